import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import type { Sql } from "postgres";
import type { Database } from "../db/client.ts";
import { SQL_ID } from "../db/ids.ts";
import { hashPassword } from "../domain/accounts/passwords.ts";
import { generateKeys } from "../domain/actors/keys.ts";
import type { Ctx } from "../domain/context.ts";
import { DomainError } from "../domain/errors.ts";
import { localHub } from "../domain/hubs/queries.ts";
import { CATEGORY_KEYS } from "../domain/proposals/categories.ts";
import { say, withDatabase } from "./data.ts";

/** How many of each to add. */
export interface Amounts {
  organizations: number;
  people: number;
  posts: number;
  proposals: number;
}

const CHUNK = 10_000;
const MOST = 10_000_000;
/** Organizations that each seeded person follows, at most. */
const FOLLOWS = 20;
/** Posts and proposals are spread over this much of the past. */
const SPREAD = 90 * 86_400_000;

export function addSeedCommand(program: Command): void {
  program
    .command("seed")
    .description(
      "fill the hub with invented data for benchmarks; its actors share one pair of keys and cannot log in, nothing is sent to other servers",
    )
    .option("--organizations <count>", "organizations to add", "0")
    .option("--people <count>", "people to add", "0")
    .option("--posts <count>", "posts to add", "0")
    .option("--proposals <count>", "proposals to add", "0")
    .action((options: Record<keyof Amounts, string>) =>
      withDatabase(async (ctx, { sql }) => {
        const amounts = {
          organizations: amount("organizations", options.organizations),
          people: amount("people", options.people),
          posts: amount("posts", options.posts),
          proposals: amount("proposals", options.proposals),
        };
        await seed(ctx, sql, amounts);
        const added = Object.entries(amounts).map(([what, count]) => `${count} ${what}`);
        say(`Added ${added.join(", ")}. All of it is invented and says so.`);
      }),
    );
}

/**
 * Fills a hub's database with invented organizations, people, posts and proposals, which say that they are invented. Written
 * by SQL in bulk, past the commands: no events, so nothing is delivered, listed in outboxes or announced.
 *
 * Generating keys is slow (some 50 ms each), so all seeded actors share one pair; nobody knows their password. Each
 * person follows up to 20 organizations; each organization is represented by one of the hub's accounts.
 *
 * @throws DomainError not_set_up; invalid when there is nobody who could write the posts
 */
export async function seed(ctx: Ctx, sql: Database["sql"], amounts: Amounts): Promise<void> {
  const hub = await localHub(ctx);
  const keys = await generateKeys(ctx);
  const people = await addActors(ctx, sql, "Person", amounts.people, keys);
  const passwordHash = await hashPassword(randomUUID());
  await sql`
    insert into accounts (id, actor_id, email, password_hash, locale, created)
    select ${snowflake(sql)}, id, handle || '@invented.invalid', ${passwordHash}, ${hub.locale}, now()
    from actors where id = any(${people}::bigint[])`;

  const organizations = await addActors(ctx, sql, "Organization", amounts.organizations, keys);
  await sql`
    with representative as (
      select id, row_number() over (order by id) - 1 as position, count(*) over () as total from accounts
    )
    insert into memberships (organization_id, account_id, role, created)
    select organization.id, representative.id, 'representative', now()
    from unnest(${organizations}::bigint[]) with ordinality as organization (id, position)
    join representative on representative.position = organization.position % total`;
  await addFollows(ctx, sql, people, organizations);

  const authors = organizations.length > 0 ? organizations : people;
  if (authors.length === 0 && amounts.posts + amounts.proposals > 0)
    throw new DomainError("invalid", "posts and proposals need --organizations or --people to write them");
  await addPosts(ctx, sql, authors, amounts.posts, hub.locale);
  await addProposals(ctx, sql, authors, amounts.proposals, hub);
  await sql`analyze`;
}

async function addActors(
  { hub, clock }: Ctx,
  sql: Sql,
  kind: "Person" | "Organization",
  count: number,
  keys: Awaited<ReturnType<typeof generateKeys>>,
): Promise<string[]> {
  const now = clock.now();
  const prefix = kind === "Person" ? "invented_person_" : "invented_organization_";
  const name = kind === "Person" ? "Invented person " : "Invented organization ";
  const [before] = await sql<{ count: bigint }[]>`
    select count(*) from actors where host is null and starts_with(handle, ${prefix})`;
  const first = Number(before?.count ?? 0n) + 1;
  const ids: string[] = [];
  for (let done = 0; done < count; done += CHUNK) {
    const rows = await sql<{ id: bigint }[]>`
      with numbered as (
        select ${snowflake(sql)} as id, n
        from generate_series(${first + done}::int, ${first + Math.min(done + CHUNK, count) - 1}::int) as n
      ), addressed as (
        select id, n, ${hub.origin}::text || '/actors/' || id as iri from numbered
      )
      insert into actors (
        id, iri, kind, handle, name, summary, url, inbox, shared_inbox, outbox, followers, following, created, updated
      )
      select id, iri, ${kind}, ${prefix}::text || n, ${name}::text || n, '<p>Invented for a benchmark.</p>',
        ${hub.origin}::text || '/@' || ${prefix}::text || n, iri || '/inbox', ${`${hub.origin}/inbox`}, iri || '/outbox',
        iri || '/followers', iri || '/following', ${now}, ${now}
      from addressed
      returning id`;
    const added = rows.map(({ id }) => String(id));
    for (const key of keys)
      await sql`
        insert into actor_keys (actor_id, kind, public_key, private_key, created)
        select id, ${key.kind}, ${key.publicKey}, ${key.privateKey}, ${now} from unnest(${added}::bigint[]) as id`;
    ids.push(...added);
  }
  return ids;
}

async function addFollows({ hub }: Ctx, sql: Sql, people: string[], organizations: string[]): Promise<void> {
  const each = Math.min(FOLLOWS, organizations.length);
  for (let done = 0; done < people.length; done += CHUNK) {
    await sql`
      with pairs as (
        select ${snowflake(sql)} as id, person.id as follower,
          (${organizations}::bigint[])[1 + (person.position + n)::int % ${Math.max(organizations.length, 1)}::int] as followed
        from unnest(${people.slice(done, done + CHUNK)}::bigint[]) with ordinality as person (id, position),
          generate_series(1, ${each}::int) as n
      )
      insert into follows (id, iri, follower_id, followed_id, state, created, accepted)
      select id, ${hub.origin}::text || '/follows/' || id, follower, followed, 'accepted', now(), now() from pairs`;
  }
}

async function addPosts(
  { hub, clock }: Ctx,
  sql: Sql,
  authors: string[],
  count: number,
  language: string,
): Promise<void> {
  const start = clock.now().getTime() - SPREAD;
  for (let done = 0; done < count; done += CHUNK) {
    await sql`
      with numbered as (
        select n, ${start}::bigint + (n::float8 / ${count}::float8 * ${SPREAD}::float8)::bigint as published
        from generate_series(${done + 1}::int, ${Math.min(done + CHUNK, count)}::int) as n
      ), addressed as (
        select n, published, (published << 16) | (nextval('snowflake') & 65535) as id from numbered
      )
      insert into posts (id, iri, url, actor_id, local, content, source, language, visibility, published)
      select id, ${hub.origin}::text || '/posts/' || id, ${hub.origin}::text || '/posts/' || id,
        (${authors}::bigint[])[1 + n % ${authors.length}::int], true,
        '<p>Invented post ' || n || '. ' || ${TEXT}::text || '</p>', 'Invented post ' || n || '. ' || ${TEXT}::text,
        ${language}, 'public', to_timestamp(published / 1000.0)
      from addressed`;
  }
}

async function addProposals(
  { hub, clock }: Ctx,
  sql: Sql,
  authors: string[],
  count: number,
  { locale, currencySymbol, currencyScale }: Awaited<ReturnType<typeof localHub>>,
): Promise<void> {
  const start = clock.now().getTime() - SPREAD;
  // Which of several a row gets is drawn by its number, for each list anew: otherwise every town would have but one category.
  const spread = (list: string) => sql`(hashint4(n # hashtext(${list})) & 2147483647)`;
  const pick = (list: string, values: readonly string[]) =>
    sql`(${[...values]}::text[])[1 + ${spread(list)} % ${values.length}::int]`;
  for (let done = 0; done < count; done += CHUNK) {
    await sql`
      with numbered as (
        select n, ${start}::bigint + (n::float8 / ${count}::float8 * ${SPREAD}::float8)::bigint as published
        from generate_series(${done + 1}::int, ${Math.min(done + CHUNK, count)}::int) as n
      ), addressed as (
        select n, published, (published << 16) | (nextval('snowflake') & 65535) as id from numbered
      )
      insert into proposals (
        id, iri, url, actor_id, local, purpose, name, content, source, language, category, subcategory, tags, languages, unit,
        available, minimum, unit_based, settlement, price, currency, currency_symbol, currency_scale, location, country, online,
        published, ends
      )
      select id, ${hub.origin}::text || '/proposals/' || id, ${hub.origin}::text || '/proposals/' || id,
        (${authors}::bigint[])[1 + n % ${authors.length}::int], true,
        case when n % 2 = 0 then 'offer' else 'request' end,
        'Invented ' || ${pick("WHAT", WHAT)} || ' ' || n, '<p>' || ${pick("MORE", MORE)} || ' ' || ${TEXT}::text || '</p>', ${TEXT}, ${locale},
        split_part(${pick("KEY", CATEGORY_KEYS)}, '.', 1),
        case when ${pick("KEY", CATEGORY_KEYS)} like '%.%' then ${pick("KEY", CATEGORY_KEYS)} end,
        array[${pick("TAG", TAGS)}, ${pick("TAG2", TAGS)}], array[${pick("LANGUAGE", LANGUAGES)}], 'hour', 20, 1,
        case when n % 5 < 3 then true end, (array['credit', 'credit', 'credit', 'none', 'external'])[1 + n % 5],
        case when n % 5 < 3 then 750 end, case when n % 5 < 3 then ${`${hub.origin}/currency`} end,
        case when n % 5 < 3 then ${currencySymbol} end, case when n % 5 < 3 then ${currencyScale}::int end,
        ${pick("PLACE", PLACES)}, ${pick("COUNTRY", COUNTRIES)}, ${spread("ONLINE")} % 3 = 0, to_timestamp(published / 1000.0),
        to_timestamp(published / 1000.0) + (30 + ${spread("ENDS")} % 150) * interval '1 day'
      from addressed`;
  }
}

const TEXT =
  "It stands in for what organizations write: about two hundred characters, so that pages and documents have the size that they have in practice. Nobody said this and nothing in it happened.";

const WHAT = [
  "workshop",
  "advice",
  "translation",
  "room",
  "van",
  "evaluation",
  "campaign",
  "website",
  "interpreter",
  "budget",
];
const MORE = [
  "Water and seeds.",
  "Schools of the valley.",
  "Women of the coast.",
  "Community radio.",
  "Legal defence.",
  "Solidarity economy.",
];
const TAGS = Array.from({ length: 200 }, (_, n) => `invented_${n}`);
const LANGUAGES = ["es", "pt", "en", "fr", "ar", "qu", "gn"];
const PLACES = Array.from({ length: 300 }, (_, n) => `Invented town ${n}`);
const COUNTRIES = ["BO", "PE", "CO", "MX", "GT", "HN", "BR", "AR", "EG", "MA", "TN", "LB"];

function snowflake(sql: Sql) {
  return sql.unsafe(SQL_ID);
}

function amount(option: string, text: string): number {
  const count = /^\d{1,8}$/.test(text) ? Number(text) : Number.NaN;
  if (!(count <= MOST)) throw new DomainError("invalid", `--${option} must be a number from 0 to ${MOST}`);
  return count;
}
