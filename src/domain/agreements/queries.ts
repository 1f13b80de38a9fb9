import { and, asc, desc, eq, inArray, lt, or, type SQL, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import type { Id } from "../../db/ids.ts";
import { actors } from "../../db/schema/actors.ts";
import {
  type AgreementState,
  agreementMessages,
  agreementSteps,
  agreements,
  isOpen,
  type Party,
} from "../../db/schema/agreements.ts";
import { clearingLinks, clearingTransfers } from "../../db/schema/clearing.ts";
import { hosts } from "../../db/schema/hosts.ts";
import { hubs } from "../../db/schema/hubs.ts";
import { media } from "../../db/schema/media.ts";
import { type PeerState, peers } from "../../db/schema/peers.ts";
import { type Purpose, proposals, type Settlement, type Unit } from "../../db/schema/proposals.ts";
import { type ActorView, actorColumns, actorColumnsOf, toActorView } from "../actors/queries.ts";
import { partOf, type Quote } from "../clearing/messages-rules.ts";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { type Page, toPage } from "../page.ts";
import { newestResolution, requireSteward, sideOf, toMachine } from "./load.ts";
import { pinnedOf } from "./quote.ts";
import type { Money } from "./quote-rules.ts";
import { type AgreementGroup, FINAL, type MessageType, possible, type Side, whoActs } from "./rules.ts";

/** An agreement in a list. */
export interface AgreementView {
  id: Id;
  iri: string;
  state: AgreementState;
  settlement: Settlement;
  proposal: {
    id: Id;
    iri: string;
    name: string;
    language: string | null;
    purpose: Purpose;
    revision: number;
  };
  provider: ActorView;
  receiver: ActorView;
  /** Which of the two published the proposal, and which made the terms on the table. */
  proposer: Party;
  offeredBy: Party;
  quantity: number;
  unit: Unit;
  /** Minor units of this hub's currency in all; null unless credits are paid. */
  amount: bigint | null;
  currency: Currency | null;
  /** Credits are settled with another hub; null: all is within this one. */
  between: BetweenHubs | null;
  due: Date | null;
  voucherId: Id | null;
  transferId: Id | null;
  /** Percent that the provider gives to the solidarity fund. */
  donation: number;
  settledAmount: bigint | null;
  settledQuantity: number | null;
  /** Settled by silence. */
  automatic: boolean;
  disputedBy: Party | null;
  created: Date;
  accepted: Date | null;
  delivered: Date | null;
  settled: Date | null;
  changed: Date;
  deadline: Date | null;
  /** Which party the one who looks is; null for a steward. */
  party: Party | null;
  /** Who has to act now. */
  waitsFor: Party[];
}

export interface Currency {
  symbol: string;
  scale: number;
}

/** What both sides pay and get when two hubs settle with one another, and how that other hub is. */
export interface BetweenHubs {
  /** Whose hub this one is. */
  side: Side;
  hub: {
    name: string;
    host: string;
    state: PeerState;
    /** Its currency's iri. */
    currency: string;
    /** Since when it has not answered; null: it does. */
    unreachable: Date | null;
  };
  payer: Money;
  payee: Money;
  /** What was paid in the end; null before. */
  settled: { payer: bigint; payee: bigint } | null;
  /** Nothing will be paid, and the credits are held here still: the other hub has to hear it first. */
  held: boolean;
  /** Until when the amounts are fixed, as long as nobody has agreed to them. */
  until: Date;
}

/** One agreement with all that its page shows. */
export interface FullAgreement extends AgreementView {
  /** What the one who looks can do now. */
  possible: MessageType[];
  /** A steward may propose how the dispute ends. */
  steward: boolean;
  resolution: {
    id: Id;
    release: bigint;
    note: string;
    created: Date;
    providerSigned: Date | null;
    receiverSigned: Date | null;
    applied: Date | null;
  } | null;
  /** Oldest first. */
  steps: StepView[];
}

export interface StepView {
  id: Id;
  /**
   * `offer`, `counter`, `accept`, `reject`, `withdraw`, `cancel`, `deliver`, `confirm`, `dispute`, `sign`; of stewards `propose`, and
   * between two hubs `agree`; or the clock's `expire`, `silence`, `rule`.
   */
  message: string;
  state: AgreementState;
  party: Party | null;
  /** Name of the person who pressed the button; only for those who act for the same side. */
  person: string | null;
  amount: bigint | null;
  quantity: number | null;
  due: Date | null;
  note: string | null;
  /** A signed activity is kept and can be downloaded. */
  signed: boolean;
  /** Of a steward of the other hub. */
  theirs: boolean;
  created: Date;
}

export interface MessageView {
  id: Id;
  author: ActorView;
  content: string;
  document: { id: Id; name: string; type: string; bytes: number } | null;
  own: boolean;
  created: Date;
}

const provider = alias(actors, "provider");
const receiver = alias(actors, "receiver");
const hubActor = alias(actors, "hub_actor");
const STEPS_MAX = 200;

const columnsOf = (table: typeof provider | typeof receiver) =>
  actorColumnsOf(table as unknown as typeof actors);

/** An organization's agreements, newest first. */
export async function agreementList(
  ctx: Ctx,
  actorId: Id,
  group: AgreementGroup,
  before: Id | null,
  limit = 20,
): Promise<Page<AgreementView>> {
  const mine = or(eq(agreements.providerId, actorId), eq(agreements.receiverId, actorId));
  const rows = await select(
    ctx,
    and(mine, inGroup(group, actorId), before === null ? undefined : lt(agreements.id, before)),
    limit + 1,
  );
  return toPage(
    rows.map((row) => toView(row, actorId)),
    limit,
    ({ id }) => id,
  );
}

/** How many agreements wait for this actor; counted up to 100. */
export async function agreementsWaiting(ctx: Ctx, actorId: Id): Promise<number> {
  const rows = await ctx.db
    .select({ id: agreements.id })
    .from(agreements)
    .where(
      and(
        or(eq(agreements.providerId, actorId), eq(agreements.receiverId, actorId)),
        inGroup("waiting", actorId),
      ),
    )
    .limit(100);
  return rows.length;
}

/** Disputes that stewards may help with, oldest first. */
export async function disputes(ctx: Ctx, limit = 50): Promise<AgreementView[]> {
  const rows = await select(ctx, eq(agreements.state, "disputed"), limit, asc(agreements.id));
  return rows.map((row) => toView(row, null));
}

/**
 * An agreement as one of its parties sees it, or in a dispute a steward.
 *
 * @throws DomainError not_found, also when it is not the viewer's to see
 */
export async function agreementById(
  ctx: Ctx,
  id: Id,
  viewer: { accountId: Id; actorId: Id },
): Promise<FullAgreement> {
  const [row] = await select(ctx, eq(agreements.id, id), 1);
  if (row === undefined) throw new DomainError("not_found", "no such agreement");
  const view = toView(row, viewer.actorId);
  const disputed = row.agreement.disputedBy !== null;
  if (view.party === null) {
    if (!disputed) throw new DomainError("not_found", "no such agreement");
    await requireSteward(ctx, viewer.accountId, row.agreement);
  }
  const [resolution, steps] = await Promise.all([
    disputed ? newestResolution(ctx, id) : null,
    stepsOf(ctx, id, view),
  ]);
  const machine = toMachine({ row: row.agreement, receiver: row.receiver }, resolution);
  return {
    ...view,
    waitsFor: whoActs(machine),
    possible: view.party === null ? [] : possible(machine, view.party),
    steward: view.party === null && view.state === "disputed",
    resolution,
    steps,
  };
}

/** What was written in an agreement, newest first. The viewer's right to see it is `agreementById`'s to find out. */
export async function agreementMessagesOf(
  ctx: Ctx,
  agreementId: Id,
  viewerId: Id,
  before: Id | null,
  limit = 50,
): Promise<Page<MessageView>> {
  const rows = await ctx.db
    .select({
      id: agreementMessages.id,
      author: actorColumns,
      content: agreementMessages.content,
      document: { id: media.id, name: media.name, type: media.type, bytes: media.bytes },
      created: agreementMessages.created,
    })
    .from(agreementMessages)
    .innerJoin(actors, eq(actors.id, agreementMessages.authorId))
    .leftJoin(media, eq(media.id, agreementMessages.mediaId))
    .where(
      and(
        eq(agreementMessages.agreementId, agreementId),
        before === null ? undefined : lt(agreementMessages.id, before),
      ),
    )
    .orderBy(desc(agreementMessages.id))
    .limit(limit + 1);
  return toPage(
    rows.map((row) => ({ ...row, author: toActorView(row.author), own: row.author.id === viewerId })),
    limit,
    ({ id }) => id,
  );
}

/** Signed steps of an agreement, byte for byte, oldest first. */
export async function signedSteps(ctx: Ctx, agreementId: Id) {
  const rows = await ctx.db
    .select({
      id: agreementSteps.id,
      message: agreementSteps.message,
      party: agreementSteps.party,
      activity: agreementSteps.activity,
      body: agreementSteps.body,
      digest: agreementSteps.digest,
      proof: agreementSteps.proof,
      key: agreementSteps.key,
      created: agreementSteps.created,
    })
    .from(agreementSteps)
    .where(and(eq(agreementSteps.agreementId, agreementId), sql`${agreementSteps.body} is not null`))
    .orderBy(agreementSteps.id)
    .limit(STEPS_MAX);
  return rows;
}

async function stepsOf(ctx: Ctx, id: Id, { party }: AgreementView): Promise<StepView[]> {
  const rows = await ctx.db
    .select({
      id: agreementSteps.id,
      message: agreementSteps.message,
      state: agreementSteps.state,
      party: agreementSteps.party,
      person: sql<string | null>`(
        select person.name from accounts account join actors person on person.id = account.actor_id
        where account.id = ${agreementSteps.accountId})`,
      amount: agreementSteps.amount,
      quantity: agreementSteps.quantity,
      due: agreementSteps.due,
      note: agreementSteps.note,
      signed: sql<boolean>`${agreementSteps.body} is not null`,
      theirs: sql<boolean>`${agreementSteps.party} is null and ${agreementSteps.proof} is not distinct from 'verified'`,
      created: agreementSteps.created,
    })
    .from(agreementSteps)
    .where(eq(agreementSteps.agreementId, id))
    .orderBy(agreementSteps.id)
    .limit(STEPS_MAX);
  // Who of the other organization it was is theirs to know.
  return rows.map((row) => ({ ...row, person: row.party === party && party !== null ? row.person : null }));
}

function inGroup(group: AgreementGroup, actorId: Id): SQL | undefined {
  const { state } = agreements;
  if (group === "ended") return inArray(state, [...FINAL]);
  if (group === "open") return isOpen(state);
  return and(isOpen(state), ownTurn(actorId));
}

function ownTurn(actorId: Id): SQL | undefined {
  const { state, providerId, receiverId, offeredBy } = agreements;
  return or(
    and(
      eq(state, "offered"),
      sql`${actorId} = case when ${offeredBy} = 'provider' then ${receiverId} else ${providerId} end`,
    ),
    and(eq(state, "accepted"), eq(providerId, actorId), sql`${agreements.settlement} <> 'credit'`),
    and(eq(state, "funded"), eq(providerId, actorId)),
    and(eq(state, "delivered"), eq(receiverId, actorId)),
    eq(state, "disputed"),
  );
}

async function select(ctx: Ctx, where: SQL | undefined, limit: number, order: SQL = desc(agreements.id)) {
  return ctx.db
    .select({
      agreement: agreements,
      provider: columnsOf(provider),
      receiver: columnsOf(receiver),
      proposal: {
        id: proposals.id,
        iri: proposals.iri,
        name: proposals.name,
        language: proposals.language,
        purpose: proposals.purpose,
      },
      symbol: proposals.currencySymbol,
      scale: proposals.currencyScale,
      peer: {
        name: hubActor.name,
        origin: peers.origin,
        state: peers.state,
        currency: peers.currency,
        symbol: peers.currencySymbol,
        scale: peers.currencyScale,
        failures: sql<number>`coalesce(${clearingLinks.failures}, 0) + coalesce(${hosts.failures}, 0)`,
        reached: sql<
          string | null
        >`extract(epoch from greatest(${clearingLinks.heard}, ${clearingLinks.reached}, ${hosts.succeeded}))`,
        since: peers.created,
      },
      own: { symbol: hubs.currencySymbol, scale: hubs.currencyScale },
      held: sql<boolean>`exists (
        select from ${clearingTransfers} where ${clearingTransfers.agreementId} = ${agreements.id}
          and ${clearingTransfers.state} = 'reserved' and ${clearingTransfers.order} like '{"type":"abort"%')`,
    })
    .from(agreements)
    .innerJoin(proposals, eq(proposals.id, agreements.proposalId))
    .innerJoin(provider, eq(provider.id, agreements.providerId))
    .innerJoin(receiver, eq(receiver.id, agreements.receiverId))
    .leftJoin(peers, eq(peers.id, agreements.peerId))
    .leftJoin(hubActor, eq(hubActor.id, peers.actorId))
    .leftJoin(clearingLinks, eq(clearingLinks.peerId, peers.id))
    .leftJoin(hosts, eq(hosts.host, sql`regexp_replace(${peers.origin}, '^https?://', '')`))
    .leftJoin(hubs, eq(hubs.id, 1))
    .where(where)
    .orderBy(order)
    .limit(limit);
}

function toView(row: Awaited<ReturnType<typeof select>>[number], viewerId: Id | null): AgreementView {
  const { agreement, proposal, symbol, scale } = row;
  const {
    answered: _answered,
    remind: _remind,
    proposalId: _proposalId,
    proposalRevision: revision,
    providerId,
    receiverId,
    peerId: _peerId,
    quote: _quote,
    ...shown
  } = agreement;
  const between = toBetween(row);
  const party = providerId === viewerId ? "provider" : receiverId === viewerId ? "receiver" : null;
  return {
    ...shown,
    proposal: { ...proposal, revision },
    provider: toActorView(row.provider),
    receiver: toActorView(row.receiver),
    currency:
      between !== null
        ? between[between.side].currency
        : symbol === null || scale === null
          ? null
          : { symbol, scale },
    between,
    party,
    waitsFor: whoActs(toMachine({ row: agreement, receiver: row.receiver }, null)),
  };
}

function toBetween({
  agreement,
  receiver,
  peer,
  own,
  held,
}: Awaited<ReturnType<typeof select>>[number]): BetweenHubs | null {
  const side = sideOf(agreement, receiver);
  const quote = pinnedOf(agreement);
  if (side === null || quote === null || peer.origin === null || own === null) return null;
  const theirs = { symbol: peer.symbol ?? "", scale: peer.scale ?? 0 };
  const [payer, payee] = side === "payer" ? [own, theirs] : [theirs, own];
  const { host } = new URL(peer.origin);
  const { settledAmount } = agreement;
  const reached = peer.reached === null ? peer.since : new Date(Number(peer.reached) * 1000);
  return {
    side,
    hub: {
      name: peer.name || host,
      host,
      state: peer.state ?? "closed",
      currency: peer.currency ?? "",
      unreachable: peer.failures >= FAILING ? reached : null,
    },
    payer: { amount: quote.payer, currency: payer },
    payee: { amount: quote.payee, currency: payee },
    settled: settledAmount === null ? null : settledOf(quote, side, settledAmount),
    held: held && FINAL.includes(agreement.state),
    until: quote.until,
  };
}

/** So many attempts in a row that failed are more than a hiccup. */
const FAILING = 3;

/** What was paid on both sides: the payer's side follows from its own amount, the payee's is not exact the other way round. */
function settledOf(quote: Quote, side: Side, local: bigint): { payer: bigint; payee: bigint } | null {
  if (local === quote[side]) return { payer: quote.payer, payee: quote.payee };
  if (side === "payee") return null;
  const { payer, payee } = partOf(quote, local);
  return { payer, payee };
}
