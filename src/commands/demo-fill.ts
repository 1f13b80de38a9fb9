import { sql } from "drizzle-orm";
import type { Id } from "../db/ids.ts";
import { createAccount } from "../domain/accounts/commands.ts";
import { advanceAgreements } from "../domain/agreements/commands.ts";
import type { Acting, Clock, Ctx } from "../domain/context.ts";
import { requestFollow } from "../domain/follows/commands.ts";
import { setUpHub } from "../domain/hubs/commands.ts";
import { createOrganization } from "../domain/organizations/commands.ts";
import { acceptPeering, proposePeering } from "../domain/peers/commands.ts";
import { copyDue } from "../domain/peers/copies.ts";
import { listPeers } from "../domain/peers/queries.ts";
import { DEFAULT_TERMS, type PeeringTerms } from "../domain/peers/rules.ts";
import { publishPost } from "../domain/posts/commands.ts";
import { publishProposal } from "../domain/proposals/commands.ts";
import { exchangesAcross } from "./demo-across.ts";
import type { DemoHub } from "./demo-data.ts";
import { exchangeHistory } from "./demo-exchanges.ts";
import type { Running } from "./serve.ts";

export const PASSWORD = "ayni-demo-2026";

const DAY = 86_400_000;
const HOUR = 3_600n;

/**
 * The clock that both hubs go by while they are filled: months behind the real one, which it comes closer to. What they sign they sign
 * by it, so that eight months of a federation are written within seconds and still fit: nothing of it is dated from outside.
 */
export interface DemoClock extends Clock {
  /** Goes on to so many days before now; never back. */
  goTo(daysAgo: number): void;
  /** Goes on by so many milliseconds. */
  pass(milliseconds: number): void;
}

export function demoClock(daysAgo: number): DemoClock {
  let behind = daysAgo * DAY;
  return {
    now: () => new Date(Date.now() - behind),
    goTo(days) {
      behind = Math.min(behind, days * DAY);
    },
    pass(milliseconds) {
      behind = Math.max(behind - milliseconds, 0);
    },
  };
}

/** A hub of the demo that runs in this process and has its people and organizations. */
export interface Site {
  hub: DemoHub;
  ctx: Ctx;
  work: NonNullable<Running["work"]>;
  admin: Acting;
  curator: Acting;
  organizations: Acting[];
  /** Each organization's proposal, in the order of the organizations. */
  published: (Id | null)[];
}

/** Where to look in the filled demo: a path on each hub, in the hubs' order. */
export interface Sights {
  agreement: string[];
  disputed: string[];
  peer: string[];
}

/** Fills two hubs that run in this process by `clock` and are empty. */
export async function fillHubs(
  running: readonly Pick<Site, "hub" | "ctx" | "work">[],
  clock: DemoClock,
): Promise<Sights> {
  const sites: Site[] = await Promise.all(
    running.map(async (at) => ({ ...at, ...(await people(at.ctx, at.hub)), published: [] })),
  );
  const [lac, mena] = sites as [Site, Site];
  await Promise.all([followAcross(lac, mena), followAcross(mena, lac)]);
  for (const site of sites) site.published = await publish(site);
  await settled(sites, clock);

  clock.goTo(150);
  const peer = await peerings(lac, mena, clock);
  clock.goTo(120);
  const histories = await Promise.all(
    sites.map(({ ctx, organizations, published, curator, hub }) =>
      exchangeHistory(ctx, organizations, published, curator, hub),
    ),
  );
  await Promise.all(histories.map(({ begin }) => begin()));
  const across = await exchangesAcross(lac, mena, {
    async goTo(daysAgo) {
      await settled(sites, clock);
      clock.goTo(daysAgo);
      for (const { ctx } of sites) await moveOn(ctx);
    },
    pass: clock.pass,
    settled: () => settled(sites, clock),
  });
  clock.goTo(0);
  await Promise.all(histories.map(({ goOn }) => goOn()));
  await settled(sites, clock);
  return { ...across, peer: peer.map((id) => `/admin/peers/${id}`) };
}

/** The hub, its administrator, a curator, a second member, and its organizations, all represented by the administrator. */
async function people(ctx: Ctx, hub: DemoHub): Promise<Pick<Site, "admin" | "curator" | "organizations">> {
  const admin = await setUpHub(ctx, {
    name: hub.name,
    description: hub.description,
    locale: hub.locale,
    currencyName: hub.currency.name,
    currencySymbol: hub.currency.symbol,
    currencyRate: hub.currency.rate,
    admin: { ...hub.admin, email: `${hub.admin.handle}@example.org`, password: PASSWORD },
  });
  await createAccount(ctx, {
    handle: "field",
    email: "field@example.org",
    password: PASSWORD,
    locale: hub.locale,
  });
  const curator = await createAccount(ctx, {
    ...hub.curator,
    email: `${hub.curator.handle}@example.org`,
    password: PASSWORD,
    locale: hub.locale,
    role: "curator",
  });
  const { accountId } = admin;
  const organizations = await Promise.all(
    hub.organizations.map(async ({ handle, name, summary }) => ({
      accountId,
      actorId: await createOrganization(ctx, accountId, { handle, name, summary }),
    })),
  );
  return { admin, curator, organizations };
}

/** Each organization follows its neighbour here and three of the other hub. */
async function followAcross({ ctx, organizations }: Site, other: Site): Promise<void> {
  const remote: Id[] = [];
  for (const { handle } of other.hub.organizations)
    remote.push(await ctx.remote.resolveActor(`${handle}@${other.ctx.hub.host}`));
  for (const [index, { actorId }] of organizations.entries()) {
    const neighbour = organizations[(index + 1) % organizations.length]?.actorId;
    const chosen = [0, 1, 5].map((step) => remote[(index + step) % remote.length]);
    for (const followedId of [neighbour, ...chosen]) {
      if (followedId !== undefined) await requestFollow(ctx, { followerId: actorId, followedId });
    }
  }
}

async function publish({ ctx, hub, organizations }: Site): Promise<(Id | null)[]> {
  const published: (Id | null)[] = [];
  for (const [index, { posts, proposal, language }] of hub.organizations.entries()) {
    const acting = organizations[index]!;
    for (const content of posts) await publishPost(ctx, acting, { content, visibility: "public", language });
    published.push(
      proposal === undefined ? null : await publishProposal(ctx, acting, { ...proposal, language }),
    );
  }
  return published;
}

/** What either hub signs: it lends 15 hours, and would borrow 20. */
const TERMS: PeeringTerms = { ...DEFAULT_TERMS, mayBeOwed: 15n * HOUR, mayOwe: 20n * HOUR };

/** One hub proposes, the other one agrees, and both copy what the other one has. @returns how each knows the other */
async function peerings(lac: Site, mena: Site, clock: DemoClock): Promise<[Id, Id]> {
  const here = await proposePeering(lac.ctx, lac.admin, { ...TERMS, origin: mena.ctx.hub.origin });
  await settled([lac, mena], clock);
  clock.pass(2 * DAY);
  const [asked] = await listPeers(mena.ctx);
  if (asked === undefined) throw new Error("The proposal to exchange did not arrive.");
  await acceptPeering(mena.ctx, mena.admin, asked.id, TERMS);
  await settled([lac, mena], clock);
  for (const { ctx } of [lac, mena]) await copyDue(ctx);
  await settled([lac, mena], clock);
  return [here, asked.id];
}

/** What the hub's clock does, at the moment that it was moved on to. */
async function moveOn(ctx: Ctx): Promise<void> {
  const [failed] = await advanceAgreements(ctx);
  if (failed !== undefined) throw failed.error;
}

/** So often, and by so much (ms), the clock goes on for the sake of what is tried again later. */
const TRIES = 40;
const PAUSE = 30_000;

/** Waits until no hub has anything to do, and what failed (a request that took too long on a busy machine) has been tried again. */
async function settled(sites: readonly Site[], clock: DemoClock): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) {
    await idle(sites);
    if (!(await Promise.all(sites.map(({ ctx }) => waits(ctx)))).includes(true)) return;
    clock.pass(PAUSE);
  }
}

/** Whether something waits for another attempt, or for the other hub. */
async function waits(ctx: Ctx): Promise<boolean> {
  const now = ctx.clock.now();
  const soon = new Date(now.getTime() + TRIES * PAUSE);
  const [row] = await ctx.db.execute<{ waits: boolean }>(sql`
    select exists (select from jobs where queue in ('events', 'deliveries', 'inbox', 'copies')
        and run between ${now.toISOString()}::timestamptz and ${soon.toISOString()}::timestamptz)
      or exists (select from agreements where peer_id is not null and state in ('accepted', 'confirmed'))
      or exists (select from clearing_links where acked_seq < out_seq) as waits`);
  return row?.waits === true;
}

/** Waits until no hub has anything to do: what one sends may give the other work. */
async function idle(sites: readonly Site[]): Promise<void> {
  let before = "";
  for (;;) {
    for (const { work } of sites) {
      await work.worker.idle();
      await work.clearing.idle();
    }
    const now = (await Promise.all(sites.map(({ ctx }) => progress(ctx)))).join();
    if (now === before) return;
    before = now;
  }
}

/** Numbers that grow with every job that any queue was ever given, and every envelope that came from a peer. */
async function progress(ctx: Ctx): Promise<string> {
  const [row] = await ctx.db.execute<{ jobs: string; envelopes: string }>(sql`
    select (select last_value from jobs_id_seq) as jobs, (select last_value from clearing_inbox_id_seq) as envelopes`);
  return `${row?.jobs} ${row?.envelopes}`;
}
