import { and, eq, inArray, isNull, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import type { Id } from "../../db/ids.ts";
import { actors } from "../../db/schema/actors.ts";
import { type AgreementState, agreements } from "../../db/schema/agreements.ts";
import { clearingTransfers } from "../../db/schema/clearing.ts";
import { ledgerAccounts } from "../../db/schema/ledger.ts";
import { peers } from "../../db/schema/peers.ts";
import type { Amounts, CreditTransfer, Refusal } from "../clearing/messages-rules.ts";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { localHub } from "../hubs/queries.ts";
import { type Rate, rateOf } from "../ledger/rules.ts";
import { takeStep } from "./apply.ts";
import { type Following, followAll, follows } from "./following.ts";
import {
  type Loaded,
  lockAgreement,
  lockedAgreements,
  newestSignedOf,
  type Past,
  sideOf,
  toMachine,
} from "./load.ts";
import { pinnedOf } from "./quote.ts";
import { sameQuote, sameRate } from "./quote-rules.ts";
import { type Agreement, type Message, type Result, step } from "./rules.ts";

/*
 * What the process that settles between hubs asks of agreements, and what it tells them; in its transaction.
 */

/** What clearing tells an agreement of its transfer. */
export type ClearingWord =
  /** The payee's hub has promised to take the credits. */
  | { type: "promised" }
  | { type: "refused"; reason: string }
  /** On the payer's hub: its decision is posted. */
  | { type: "committed" }
  /** On the payee's: the payer's hub has paid. `confirm`: see `LedgerEntry`. */
  | { type: "settled"; amounts: Amounts; automatic: boolean; confirm?: string }
  /** Nothing will be paid. */
  | { type: "released" };

/** What a request comes to, as far as agreements are asked. */
export interface Weighed {
  refusal: Refusal | null;
  agreementId: Id | null;
  /** Actor of the organization that is paid. */
  payeeId: Id | null;
}

/** In the order of their ids. */
export async function lockAgreements(ctx: Ctx, ids: readonly Id[]): Promise<void> {
  await ctx.db
    .select({ id: agreements.id })
    .from(agreements)
    .where(inArray(agreements.id, [...ids]))
    .orderBy(agreements.id)
    .for("update");
}

const payee = alias(actors, "payee");
const payer = alias(actors, "payer");
const hubActor = alias(actors, "hub_actor");

/**
 * Whether what a peer's hub wants to pay for was agreed here, in these very words and for these amounts. Their agreements are locked, in
 * the order of their ids.
 *
 * A request that is not in the answer cannot be weighed yet: what its organizations consented to is under way by another road, or its
 * agreement waits for it. It is dropped, and weighed when it is asked again.
 */
export async function weighRequests(
  ctx: Ctx,
  peerId: Id,
  requests: readonly CreditTransfer[],
): Promise<Map<string, Weighed>> {
  const weighed = new Map<string, Weighed>();
  if (requests.length === 0) return weighed;
  const [known, hub] = [await requested(ctx, peerId, requests), await localHub(ctx)];
  const pasts = await newestSignedOf(
    ctx,
    Array.from(known.values(), ({ id }) => id),
  );
  for (const request of requests) {
    const { iri, agreement } = request.terms;
    const row = known.get(agreement);
    const refusal =
      row === undefined ? unknown(request, ctx) : weigh(ctx, request, row, rateOf(hub), pasts.get(row.id));
    if (refusal === "wait") continue;
    weighed.set(iri, { refusal, agreementId: row?.id ?? null, payeeId: row?.payeeId ?? null });
  }
  return weighed;
}

/** As long as its quote is good the words may still be on their way. */
function unknown({ terms }: CreditTransfer, ctx: Ctx): Refusal | "wait" {
  return terms.quote.until > ctx.clock.now() ? "wait" : "no-agreement";
}

type Requested = Awaited<ReturnType<typeof requested>> extends Map<string, infer Row> ? Row : never;

async function requested(ctx: Ctx, peerId: Id, requests: readonly CreditTransfer[]) {
  const rows = await ctx.db
    .select({
      id: agreements.id,
      iri: agreements.iri,
      state: agreements.state,
      quote: agreements.quote,
      payeeId: payee.id,
      payee: payee.iri,
      payeeDeleted: payee.deleted,
      closed: ledgerAccounts.closed,
      payer: payer.iri,
      hub: hubActor.iri,
    })
    .from(agreements)
    .innerJoin(payee, and(eq(payee.id, agreements.providerId), isNull(payee.host)))
    .innerJoin(payer, eq(payer.id, agreements.receiverId))
    .innerJoin(peers, eq(peers.id, agreements.peerId))
    .innerJoin(hubActor, eq(hubActor.id, peers.actorId))
    .leftJoin(
      ledgerAccounts,
      and(eq(ledgerAccounts.actorId, payee.id), eq(ledgerAccounts.kind, "organization")),
    )
    .where(
      and(
        eq(agreements.peerId, peerId),
        inArray(
          agreements.iri,
          requests.map(({ terms }) => terms.agreement),
        ),
      ),
    )
    .orderBy(agreements.id)
    .for("update", { of: agreements });
  return new Map(rows.map((row) => [row.iri, row]));
}

/** Both have agreed, and nothing else came of it. */
const AGREED: readonly AgreementState[] = ["accepted", "funded", "delivered", "confirmed", "disputed"];

function weigh(
  ctx: Ctx,
  request: CreditTransfer,
  row: Requested,
  rate: Rate,
  past: Past | undefined,
): Refusal | "wait" | null {
  const { terms } = request;
  const { quote, evidence } = terms;
  const pinned = pinnedOf(row);
  if (row.state === "offered") return unknown(request, ctx);
  if (pinned === null || evidence === null || !AGREED.includes(row.state)) return "no-agreement";
  if (row.payeeDeleted !== null || row.closed !== null || terms.payee !== row.payee) return "payee-unknown";
  // With a voucher the other hub's own fund pays, and its actor stands for it.
  if (terms.payer !== row.payer && terms.payer !== row.hub) return "no-agreement";
  if (past?.offer?.digest !== evidence.offer || past.accept?.digest !== evidence.accept)
    return "no-agreement";
  if (pinned.transfer !== terms.iri || !sameQuote(pinned, quote)) return "no-agreement";
  if (!sameRate(quote.payeeRate, rate) || quote.until <= ctx.clock.now()) return "stale-quote";
  return null;
}

/** What became of an agreement's transfer. */
export interface Told {
  agreementId: Id;
  word: ClearingWord;
}

/**
 * Tells agreements what became of their transfers. What one cannot take any more changes nothing: clearing has decided already, and an
 * agreement only follows. What is told most of the time (promised, paid) is written for all of them together; the rest one by one.
 */
export async function tellAgreements(ctx: Ctx, told: readonly Told[]): Promise<void> {
  if (told.length === 0) return;
  const times = new Map<Id, number>();
  for (const { agreementId } of told) times.set(agreementId, (times.get(agreementId) ?? 0) + 1);
  const loaded = new Map<Id, Loaded>();
  for (const one of await lockedAgreements(ctx, [...times.keys()])) loaded.set(one.row.id, one);
  const together: Following[] = [];
  const alone: Told[] = [];
  for (const one of told) {
    const known = loaded.get(one.agreementId);
    if (known === undefined) continue;
    // Of one that is told twice, the second word finds what the first has changed.
    if (times.get(one.agreementId) !== 1) {
      alone.push(one);
      continue;
    }
    const message = messageOf(one.word);
    const outcome = follow(toMachine(known, null), message, ctx.clock.now());
    if (outcome === null) continue;
    const step = { loaded: known, message, outcome };
    if (follows(step)) together.push(step);
    else alone.push(one);
  }
  await followAll(ctx, together);
  for (const one of alone) await tellAgreement(ctx, one);
}

async function tellAgreement(ctx: Ctx, { agreementId, word }: Told): Promise<void> {
  const loaded = await lockAgreement(ctx, agreementId).catch(ignored);
  if (loaded === null) return;
  const { row, receiver } = loaded;
  const ends = word.type === "released" || word.type === "refused";
  // The transfer of terms that were replaced was given back; another one holds the credits now.
  const pays = sideOf(row, receiver) === "payer" && row.transferId !== null;
  if (ends && pays && (await isHeld(ctx, row.transferId))) return;
  const message = messageOf(word);
  const outcome = follow(toMachine(loaded, null), message, ctx.clock.now());
  if (outcome === null) return;
  const note = word.type === "refused" ? word.reason : null;
  await takeStep(ctx, loaded, outcome, { message, who: null, note, sign: null });
}

function follow(agreement: Agreement, message: Message, now: Date): Result | null {
  try {
    return step(agreement, message, now, NO_DEADLINES);
  } catch (error) {
    return ignored(error);
  }
}

function ignored(error: unknown): null {
  if (error instanceof DomainError) return null;
  throw error;
}

/** The ledger's words need no deadlines. */
const NO_DEADLINES = {
  ...{ answerDays: 0, graceDays: 0, settleDays: 0, disputeDays: 0 },
  disputeRule: "half",
} as const;

function messageOf(word: ClearingWord): Message {
  switch (word.type) {
    case "promised":
      return { type: "reserved" };
    case "settled": {
      const { amounts, automatic, confirm = "" } = word;
      const decided = confirm === "resolution" || confirm === "rule";
      return { type: "settled", amount: amounts.payee, automatic, decided };
    }
    default:
      return { type: word.type };
  }
}

async function isHeld(ctx: Ctx, transferId: Id | null): Promise<boolean> {
  const rows = await ctx.db
    .select({ iri: clearingTransfers.iri })
    .from(clearingTransfers)
    .where(
      sql`${clearingTransfers.transferId} = ${transferId}::bigint and ${clearingTransfers.state} = 'reserved'`,
    );
  return rows.length > 0;
}
