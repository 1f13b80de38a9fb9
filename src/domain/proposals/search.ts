import { and, eq, gt, isNull, lt, or, type SQL, sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { type Purpose, proposals, proposalWords, type Settlement } from "../../db/schema/proposals.ts";
import type { Ctx } from "../context.ts";
import { DAY_LAG } from "./rules.ts";

/** What a list of proposals is narrowed to; what is not there does not matter. */
export interface ProposalFilter {
  /** Words that all occur in it, in the singular or the plural. */
  text?: string | undefined;
  purpose?: Purpose | undefined;
  /** Key of either level. */
  category?: string | undefined;
  settlement?: Settlement | undefined;
  /** BCP 47: written in it, or done in it. */
  language?: string | undefined;
  /** ISO 3166-1 alpha-2. */
  country?: string | undefined;
  online?: boolean | undefined;
  tag?: string | undefined;
  /** This hub's own, or a peer's. */
  hub?: "here" | Id | undefined;
}

/** With `words` in place of the text's own. */
export type Terms = ProposalFilter & { words?: readonly string[] };

/** One condition, as a lexeme of the column `search` and on the columns that it was made of. */
export interface Facet {
  query: string;
  condition: SQL | undefined;
}

/** Where somebody is, as far as its own proposals tell. */
export interface Home {
  location: string | null;
  country: string | null;
}

/** How many of the newest proposals are looked through before the index is asked. */
const WINDOW = 2_000;
const WORDS_KEPT = 50_000;
const WORDS_MAX = 8;
const WORD_MAX = 40;

interface Search {
  viewerId: Id | null;
  /** A group of `nearby`, or null. */
  near: Facet | null;
  before: Id | null;
  limit: number;
  /** The newest were looked through before, in vain. */
  rare?: boolean;
}

/**
 * Ids of open proposals, newest first. What is common is found among the newest few, whose number is bounded; only what is rare
 * there is asked of the index, where the rare is cheap. So neither depends on what the planner takes a combination to be worth.
 */
export async function findProposals(ctx: Ctx, filter: Terms, search: Search): Promise<Id[]> {
  const { viewerId, near, limit, rare = false } = search;
  const facets = facetsOf(filter);
  const words = lexemesOf(filter);
  const before = search.before === null ? undefined : lt(proposals.id, search.before);
  if (!rare) {
    const conditions = and(near?.condition, conditionsOf(ctx, facets, words, viewerId));
    const rows = await ctx.db.execute<{ id: string }>(sql`
      select id from ${newest(and(hubOf(filter), before))} where ${conditions} order by id desc limit ${limit}`);
    if (rows.length >= limit) return idsOf(rows);
  }
  const queries = [...(near === null ? [] : [near.query]), ...facets.map(({ query }) => query), ...words];
  const all = matches(queries.length === 0 ? [EVERYTHING] : queries);
  const rows = await ctx.db.execute<{ id: string }>(sql`
    with hits as materialized (
      select id from ${proposals} where ${and(all, LISTED, standing(ctx, viewerId), near?.condition, before)}
    )
    select id from hits order by id desc limit ${limit}`);
  return idsOf(rows);
}

/**
 * The first of each group, each group's newest first: what a page that begins with the nearest needs, in two queries at most where
 * there is little to be found. `complete` says that it is all there is of each group (up to `limit`); otherwise it is
 * what the newest few have.
 */
export async function firstOfGroups(
  ctx: Ctx,
  filter: Terms,
  { viewerId, groups, limit }: { viewerId: Id | null; groups: readonly Facet[]; limit: number },
): Promise<{ ids: Id[][]; complete: boolean }> {
  const facets = facetsOf(filter);
  const words = lexemesOf(filter);
  const cases = groups.map(({ condition }, near) => sql`when ${condition} then ${near}::int`);
  const rank = async (from: SQL, conditions: SQL | undefined) => {
    const rows = await ctx.db.execute<{ id: string; near: number }>(sql`
      with hits as materialized (
        select id, case ${sql.join(cases, sql` `)} end as near from ${from} where ${conditions}
      )
      select id, near from (
        select id, near, row_number() over (partition by near order by id desc) as place from hits
      ) as placed where place <= ${limit} order by id desc`);
    return groups.map((_, near) => idsOf([...rows].filter((row) => row.near === near)));
  };
  const newestOnes = await rank(newest(hubOf(filter)), conditionsOf(ctx, facets, words, viewerId));
  const queries = [...facets.map(({ query }) => query), ...words];
  if (newestOnes.flat().length >= limit || queries.length === 0) return { ids: newestOnes, complete: false };
  const ids = await rank(sql`${proposals}`, and(matches(queries), LISTED, standing(ctx, viewerId)));
  return { ids, complete: true };
}

function lexemesOf({ words, text = "" }: Terms): string[] {
  return (words ?? wordsOf(text)).map((word) => `'${word}'`);
}

const LISTED = sql`deleted is null and paused is null`;

/** @param among one hub's, or what comes after a cursor: conditions that an index has in this order */
function newest(among: SQL | undefined): SQL {
  return sql`(
    select * from ${proposals} where ${and(LISTED, among)} order by id desc limit ${WINDOW}
  ) ${proposals}`;
}

/** The words last: for them a row's largest column has to be read. */
function conditionsOf(ctx: Ctx, facets: readonly Facet[], words: readonly string[], viewerId: Id | null) {
  return and(
    standing(ctx, viewerId),
    ...facets.map(({ condition }) => condition),
    words.length === 0 ? undefined : matches(words),
  );
}

function idsOf(rows: Iterable<{ id: string }>): Id[] {
  return Array.from(rows, ({ id }) => BigInt(id));
}

/** The words of a text, those that occur nowhere replaced by the most similar ones that do; null where that leads no further. */
export async function mended(ctx: Ctx, text: string): Promise<string[] | null> {
  const words = wordsOf(text);
  if (words.length === 0) return null;
  const rows = await ctx.db.execute<{ typed: string; known: string | null }>(sql`
    select typed, case when length(typed) < 4 then typed else coalesce(
      (select word from ${proposalWords} where word = typed),
      (select word from ${proposalWords} where word % typed order by similarity(word, typed) desc, word limit 1)
    ) end as known
    from unnest(${sql.param(words)}::text[]) with ordinality as asked (typed, place) order by place`);
  if ([...rows].every(({ typed, known }) => typed === known)) return null;
  const known = [...rows].map(({ known }) => known).filter((word) => word !== null);
  return known.length === rows.length ? known : null;
}

/** Reads anew which words occur in the newest proposals; called by the clock. */
export async function refreshWords(ctx: Ctx): Promise<void> {
  await ctx.db.execute(sql`
    with words as materialized (
      select word from ts_stat(
        'select search from proposals where deleted is null and paused is null order by id desc limit 20000'
      )
      where word !~ '[=0-9]' and length(word) between 4 and 30 order by ndoc desc, word limit ${WORDS_KEPT}
    ), gone as (
      delete from ${proposalWords} where word not in (select word from words)
    )
    insert into ${proposalWords} (word) select word from words on conflict do nothing`);
}

/** Not ended, and not promised away but for its own author. */
export function standing(ctx: Ctx, viewerId: Id | null): SQL | undefined {
  const left = sql`${proposals.available} - ${proposals.committed} >= greatest(coalesce(${proposals.minimum}, 1), 1)`;
  return and(
    or(isNull(proposals.ends), gt(proposals.ends, new Date(ctx.clock.now().getTime() - DAY_LAG))),
    or(isNull(proposals.available), left, viewerId === null ? undefined : eq(proposals.actorId, viewerId)),
  );
}

/**
 * Those of the same place, of the same country, online, and all others: every proposal is in one of these groups. One after the
 * other they are an order that pages can follow.
 */
export function nearby({ location, country }: Home): Facet[] {
  const groups: Facet[] = [];
  const before: (SQL | undefined)[] = [];
  const add = ({ query, condition }: Facet) => groups.push({ query, condition: and(condition, ...before) });
  if (location !== null) {
    const place = foldText(location);
    add({
      query: facet("w", [...place].slice(0, 200).join("")),
      condition: eq(proposals.foldedLocation, place),
    });
    before.push(sql`${proposals.foldedLocation} is distinct from ${place}`);
  }
  if (country !== null) {
    add(countryFacet(country));
    before.push(sql`${proposals.country} is distinct from ${country}`);
  }
  add(onlineFacet(true));
  add(onlineFacet(false));
  return groups;
}

function facetsOf(filter: ProposalFilter): Facet[] {
  const { purpose, category, settlement, language, country, online, tag, hub } = filter;
  const facets: Facet[] = [];
  // Its condition is that of `newest` already.
  if (hub !== undefined) facets.push({ query: facet("h", hub.toString()), condition: undefined });
  if (purpose !== undefined)
    facets.push({ query: facet("p", purpose), condition: eq(proposals.purpose, purpose) });
  if (category !== undefined) facets.push(categoryFacet(category));
  if (settlement !== undefined)
    facets.push({ query: facet("r", settlement), condition: eq(proposals.settlement, settlement) });
  if (language !== undefined) {
    const condition = sql`(${proposals.language} = ${language} or ${language} = any(${proposals.languages}))`;
    facets.push({ query: facet("l", language), condition });
  }
  if (country !== undefined) facets.push(countryFacet(country));
  if (online !== undefined) facets.push(onlineFacet(online));
  if (tag !== undefined) facets.push(tagsFacet([tag]));
  return facets;
}

function hubOf({ hub }: ProposalFilter): SQL | undefined {
  if (hub === undefined) return undefined;
  return hub === "here" ? eq(proposals.local, true) : eq(proposals.peerId, hub);
}

export function categoryFacet(key: string): Facet {
  return key.includes(".")
    ? { query: facet("s", key), condition: eq(proposals.subcategory, key) }
    : { query: facet("c", key), condition: eq(proposals.category, key) };
}

/** Any of these tags. */
export function tagsFacet(tags: readonly string[]): Facet {
  const query = `(${tags.map((tag) => facet("t", foldText(tag).slice(0, 200))).join(" | ")})`;
  // By lexeme, since the column has them as they were typed.
  return { query, condition: matches([query]) };
}

/** Any of these. */
export function anyOf(facets: readonly Facet[]): Facet {
  return {
    query: `(${facets.map(({ query }) => query).join(" | ")})`,
    condition: or(...facets.map(({ condition }) => condition)),
  };
}

function countryFacet(country: string): Facet {
  return { query: facet("k", country.toLowerCase()), condition: eq(proposals.country, country) };
}

function onlineFacet(online: boolean): Facet {
  return { query: facet("o", online ? "1" : "0"), condition: eq(proposals.online, online) };
}

const EVERYTHING = "('p=offer' | 'p=request')";

function matches(queries: readonly string[]): SQL {
  return sql`${proposals.search} @@ ${queries.join(" & ")}::tsquery`;
}

/** A lexeme as `proposal_search` writes it. */
function facet(kind: "p" | "c" | "s" | "r" | "l" | "k" | "o" | "t" | "w" | "h", value: string): string {
  return `'${kind}=${value.replace(/['\\]/g, "$&$&")}'`;
}

/** The words of what somebody looks for, as `proposal_search` writes them: folded, without the endings of plurals. */
export function wordsOf(text: string): string[] {
  const words = foldText(text.toWellFormed().slice(0, 500)).match(/[\p{L}\p{N}]+/gu) ?? [];
  const stems = words.map((word) => word.slice(0, WORD_MAX).replace(/^([a-z]{3,}?)(es|s|e)$/, "$1"));
  return [...new Set(stems)].slice(0, WORDS_MAX);
}

const ARABIC: Readonly<Record<string, string>> = { ى: "ي", ة: "ه", ی: "ي" };

/**
 * Lower case without accents, marks and variants of letters: what people leave out when they search. The same as the database's
 * `fold`, of which its indexes are made.
 */
export function foldText(text: string): string {
  return text
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[\u0300-\u036f\u0640\u064b-\u065f\u0670]/g, "")
    .replace(/[ىةی]/g, (letter) => ARABIC[letter] ?? letter);
}
