import { and, desc, eq, getTableColumns, isNotNull, isNull, or, sql } from "drizzle-orm";
import { type Id, timeOf } from "../../db/ids.ts";
import { accounts } from "../../db/schema/accounts.ts";
import { actors } from "../../db/schema/actors.ts";
import { agreements, type Party, resolutions } from "../../db/schema/agreements.ts";
import { memberships } from "../../db/schema/organizations.ts";
import { proposals } from "../../db/schema/proposals.ts";
import { selection } from "../../db/selection.ts";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import type { Agreement, Side } from "./rules.ts";

/** Who acts: an actor of ours with the account that pressed the button, or an actor of another server. */
export interface Who {
  actorId: Id;
  accountId: Id | null;
}

const PARTY = { id: actors.id, iri: actors.iri, name: actors.name, handle: actors.handle, host: actors.host };

const LOADED = selection({
  row: getTableColumns(agreements),
  provider: PARTY,
  receiver: PARTY,
  proposal: {
    iri: proposals.iri,
    name: proposals.name,
    local: proposals.local,
    purpose: proposals.purpose,
    unit: proposals.unit,
    unitBased: proposals.unitBased,
    price: proposals.price,
    minimum: proposals.minimum,
    available: proposals.available,
    committed: proposals.committed,
    settlement: proposals.settlement,
    scale: proposals.currencyScale,
  },
});

/** An agreement with what its commands need beside its row; of a party `host` is null when it is this hub's. */
export type Loaded = ReturnType<typeof LOADED.read> & {
  /** Others have lent the provider a part of their credit lines. */
  vouched: boolean;
};

const LOCKED = sql.raw(`
  select ${LOADED.list},
    exists (select from vouches where vouched_id = "row".provider_id and released is null) as vouched
  from agreements as "row"
  join proposals as proposal on proposal.id = "row".proposal_id
  join actors as provider on provider.id = "row".provider_id
  join actors as receiver on receiver.id = "row".receiver_id
  where "row".id = `);

/** For the clock, the ledger and stewards. @throws DomainError not_found */
export async function lockAgreement(ctx: Ctx, id: Id): Promise<Loaded> {
  const [found] = await ctx.db.execute(sql`${LOCKED}${id}::bigint for update of "row"`);
  if (found === undefined) throw new DomainError("not_found", "no such agreement");
  return toLoaded(found);
}

/** Those of them that there are, locked in the order of their ids. */
export async function lockedAgreements(ctx: Ctx, ids: readonly Id[]): Promise<Loaded[]> {
  const rows = await ctx.db.execute(
    sql`${LOCKED}any(${sql.param(ids.map(String))}::bigint[]) order by "row".id for update of "row"`,
  );
  return Array.from(rows, toLoaded);
}

function toLoaded(found: Record<string, unknown>): Loaded {
  return { ...LOADED.read(found), vouched: found.vouched === true };
}

/**
 * An agreement with its row locked, and which party `actorId` is in it.
 *
 * @throws DomainError not_found, also when the actor is no party to it
 */
export async function lockForParty(ctx: Ctx, id: Id, actorId: Id): Promise<Loaded & { party: Party }> {
  const loaded = await lockAgreement(ctx, id);
  return { ...loaded, party: partyOf(loaded.row, actorId) };
}

/** @throws DomainError not_found */
export function partyOf(row: { providerId: Id; receiverId: Id }, actorId: Id): Party {
  if (row.providerId === actorId) return "provider";
  if (row.receiverId === actorId) return "receiver";
  throw new DomainError("not_found", "no such agreement");
}

/** The newest resolution that a steward proposed; between hubs, that stewards of both stand behind. */
export async function newestResolution(ctx: Ctx, agreementId: Id) {
  const [row] = await ctx.db
    .select()
    .from(resolutions)
    .where(
      and(
        eq(resolutions.agreementId, agreementId),
        or(isNull(resolutions.iri), isNotNull(resolutions.agreed)),
      ),
    )
    // Two hubs find the same one the newest.
    .orderBy(
      sql`case when ${resolutions.iri} is not null then ${resolutions.created} end desc nulls last`,
      desc(resolutions.iri),
      desc(resolutions.id),
    )
    .limit(1);
  return row ?? null;
}

/** The newest signed steps that a later consent refers to, and the newest of all; null where there is none. */
export interface Past {
  offer: SignedStep | null;
  accept: SignedStep | null;
  last: Id | null;
}

interface SignedStep {
  activity: string;
  digest: string;
  party: Party | null;
}

const NO_PAST: Past = { offer: null, accept: null, last: null };
const NEWEST = 200;

/** What was said in an agreement up to now; it stays that as long as the agreement's row is locked. */
export async function newestSigned(ctx: Ctx, agreementId: Id): Promise<Past> {
  return (await newestSignedOf(ctx, [agreementId])).get(agreementId) ?? NO_PAST;
}

/** The same of many; of those in which nothing was said there is nothing. */
export async function newestSignedOf(ctx: Ctx, agreementIds: readonly Id[]): Promise<Map<Id, Past>> {
  const rows = await ctx.db.execute<
    Record<"agreement_id" | "id" | "message", string> & {
      party: Party | null;
      activity: string | null;
      digest: string | null;
    }
  >(sql`
    select step.* from unnest(${sql.param(agreementIds.map(String))}::bigint[]) as agreement (id)
    cross join lateral (
      select agreement_id, id, message, party, activity, digest from agreement_steps
      where agreement_id = agreement.id order by id desc limit ${NEWEST}::int
    ) step
    order by step.agreement_id, step.id desc`);
  const found = new Map<Id, Past>();
  for (const { agreement_id, id, message, party, activity, digest } of rows) {
    const agreementId = BigInt(agreement_id);
    const past = found.get(agreementId) ?? { ...NO_PAST, last: BigInt(id) };
    found.set(agreementId, past);
    if (activity === null) continue;
    const signed = { activity, digest: digest ?? "", party };
    if (message === "accept") past.accept ??= signed;
    else if (message === "offer" || message === "counter") past.offer ??= signed;
  }
  return found;
}

/** An id for what comes after `last`, whatever the clock says: the newest counts, and processes' clocks differ. */
export function idAfter(ctx: Ctx, last: Id | null): Promise<Id> {
  const now = ctx.clock.now();
  return ctx.ids.next(last === null ? now : new Date(Math.max(now.getTime(), timeOf(last).getTime() + 1)));
}

/** An agreement's row as the rules see it. */
export function toMachine(
  { row, receiver }: { row: Loaded["row"]; receiver: { host: string | null } },
  resolution: Awaited<ReturnType<typeof newestResolution>>,
): Agreement {
  const signed: Party[] = [];
  if (resolution?.providerSigned != null) signed.push("provider");
  if (resolution?.receiverSigned != null) signed.push("receiver");
  return {
    state: row.state,
    settlement: row.settlement,
    between: sideOf(row, receiver),
    proposer: row.proposer,
    offeredBy: row.offeredBy,
    terms: { quantity: row.quantity, amount: row.amount, due: row.due },
    held: row.transferId !== null && HOLDING.includes(row.state),
    delivered: row.delivered,
    disputedBy: row.disputedBy,
    resolution: resolution === null ? null : { release: resolution.release, signed },
    settled:
      row.settledQuantity === null
        ? null
        : { amount: row.settledAmount, quantity: row.settledQuantity, automatic: row.automatic },
    deadline: row.deadline,
    remind: row.remind,
  };
}

/** Whose hub this one is, where two settle with one another: the receiver's pays. */
export function sideOf({ peerId }: { peerId: Id | null }, receiver: { host: string | null }): Side | null {
  return peerId === null ? null : receiver.host === null ? "payer" : "payee";
}

/** States in which the agreement's transfer, if it has one, is a hold. */
const HOLDING: readonly string[] = ["offered", "accepted", "funded", "delivered", "disputed"];

/**
 * A curator who may steward an agreement's dispute: of this hub's staff, and in neither of the two organizations.
 *
 * @throws DomainError not_found
 */
export async function requireSteward(
  ctx: Ctx,
  accountId: Id,
  { providerId, receiverId }: { providerId: Id; receiverId: Id },
): Promise<void> {
  const [row] = await ctx.db
    .select({ role: accounts.role, involved: memberships.accountId, actorId: accounts.actorId })
    .from(accounts)
    .leftJoin(
      memberships,
      and(
        eq(memberships.accountId, accounts.id),
        or(eq(memberships.organizationId, providerId), eq(memberships.organizationId, receiverId)),
      ),
    )
    .where(eq(accounts.id, accountId))
    .limit(1);
  const staff = row !== undefined && row.role !== "member";
  if (!staff || row.involved !== null || [providerId, receiverId].includes(row.actorId))
    throw new DomainError("not_found", "no such agreement");
}

/** Whether an actor exists and was not deleted, with what decides whether it can be a party. */
export async function partyActor(ctx: Ctx, id: Id) {
  const [row] = await ctx.db
    .select({
      id: actors.id,
      iri: actors.iri,
      name: actors.name,
      handle: actors.handle,
      host: actors.host,
      kind: actors.kind,
    })
    .from(actors)
    .where(and(eq(actors.id, id), isNull(actors.deleted)));
  if (row === undefined) throw new DomainError("gone", "this actor was deleted");
  return row;
}
