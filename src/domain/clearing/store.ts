import { eq, inArray, sql } from "drizzle-orm";
import { type Id, parseId } from "../../db/ids.ts";
import { actors } from "../../db/schema/actors.ts";
import { agreements } from "../../db/schema/agreements.ts";
import { clearingEntries, clearingEvidence } from "../../db/schema/clearing.ts";
import { ledgerAccounts } from "../../db/schema/ledger.ts";
import { peers } from "../../db/schema/peers.ts";
import { type ClearingWord, type Told, tellAgreements } from "../agreements/clearing.ts";
import type { Ctx } from "../context.ts";
import { fundAccount, guaranteeAccount, organizationAccount } from "../ledger/accounts.ts";
import { notifyStaff } from "../notices/commands.ts";
import type { Evidence, Incoming, Link, Outgoing } from "./link-rules.ts";
import type { Kept, Loaded } from "./load.ts";
import type { LedgerEntry, Terms } from "./messages-rules.ts";
import type { PlacedOrder } from "./orders.ts";
import { pack, unpack } from "./packed.ts";
import { type Decision, type Posting, post } from "./postings.ts";
import type { Asked } from "./questions.ts";
import type { Change, Round } from "./round.ts";

/** A changed transfer: how it was, how it is, and what of the ledger it has. */
interface Changed {
  iri: string;
  side: "payer" | "payee";
  kept: Kept | null;
  row: Outgoing | Incoming;
  how: Change;
  terms: Terms | null;
  entry: LedgerEntry | null;
  transferId: Id | null;
  agreementId: Id | null;
}

/**
 * Writes what the rules made of a round, in the transaction that loaded it: ledger, transfers, both logs, evidence; and tells the
 * agreements. Each kind is one statement, however many transfers there are.
 *
 * @param asked when each changed transfer is due again
 * @param found agreements of requests that were weighed, by the transfer's iri
 * @param envelope what the peer said last, for evidence
 */
export async function write(
  ctx: Ctx,
  round: Round,
  asked: Map<string, Asked>,
  found: Map<string, Id | null>,
  envelope: string | null,
): Promise<void> {
  const { loaded } = round;
  const changed = await changes(ctx, round, found);
  const recovered = changed.some(({ how }) => how.recovered);
  await post(ctx, loaded, await postings(ctx, loaded, changed), recovered);
  await upsert(ctx, loaded.peerId, changed, asked);
  await append(ctx, round);
  if (round.evidence !== null) await freeze(ctx, loaded, round.evidence, envelope);
  await tellAgreements(ctx, changed.flatMap(toldOf));
}

async function changes(ctx: Ctx, round: Round, found: Map<string, Id | null>): Promise<Changed[]> {
  const entries = new Map([...round.newSent, ...round.newReceived].map((entry) => [entry.transfer, entry]));
  const changed: Changed[] = [];
  for (const [iri, how] of round.changed) {
    const outgoing = round.outgoing.get(iri);
    const incoming = round.incoming.get(iri);
    const row = outgoing ?? incoming;
    if (row === undefined) continue;
    const kept = round.kept.get(iri) ?? null;
    const terms = outgoing !== undefined ? outgoing.terms : (incoming?.request?.terms ?? null);
    changed.push({
      ...{ iri, row, kept, how, terms, side: outgoing === undefined ? "payee" : "payer" },
      entry: entries.get(iri) ?? null,
      transferId: kept?.transferId ?? null,
      agreementId: kept?.agreementId ?? found.get(iri) ?? null,
    });
  }
  // What comes back after a restore, or was not asked of us, names its agreement by the iri.
  const nameless = changed.filter(({ agreementId, terms }) => agreementId === null && terms !== null);
  const known = await byIri(
    ctx,
    agreements,
    nameless.map(({ terms }) => terms?.agreement ?? ""),
  );
  for (const one of nameless) one.agreementId = known.get(one.terms?.agreement ?? "") ?? null;
  return changed.sort((a, b) => (a.iri < b.iri ? -1 : 1));
}

async function byIri(ctx: Ctx, table: typeof agreements, iris: string[]): Promise<Map<string, Id>> {
  if (iris.length === 0) return new Map();
  const rows = await ctx.db
    .select({ id: table.id, iri: table.iri })
    .from(table)
    .where(inArray(table.iri, iris));
  return new Map(rows.map(({ id, iri }) => [iri, id]));
}

// ── The ledger ───────────────────────────────────────────────────────────────────────────────────────────────────────────

async function postings(ctx: Ctx, loaded: Loaded, changed: readonly Changed[]): Promise<Posting[]> {
  const moved = changed.filter(({ row, kept }) => row.state !== kept?.state && movesLedger(row.state));
  const [old, members] = [await holdsOf(ctx, moved), await membersOf(ctx, loaded, moved)];
  const donations = await donationsOf(ctx, moved);
  const result: Posting[] = [];
  for (const one of moved) {
    const { iri, side, row, terms, agreementId } = one;
    const before = one.transferId === null ? undefined : old.get(one.transferId);
    // A tombstone has nothing to give back; nor has a request that was refused.
    if (before === undefined && (row.state === "aborted" || row.state === "released")) continue;
    const decided = decisionOf(one);
    const party = one.entry?.[side] ?? terms?.[side] ?? "";
    const member = members.get(party);
    const memberId = before === undefined ? (member ?? (await guaranteeAccount(ctx))) : before[side];
    const amount = terms?.quote[side] ?? decided?.amounts?.[side] ?? 0n;
    if (before === undefined) one.transferId = await transferIdOf(ctx, one);
    const decision: Decision | null =
      decided === null
        ? null
        : decided.amounts === null
          ? { state: "aborted", memberId, ...decided.by }
          : {
              ...{ state: "committed", memberId, amounts: decided.amounts, ...decided.by },
              donation:
                member === undefined && before === undefined ? 0 : (donations.get(agreementId ?? 0n) ?? 0),
            };
    const note = member === undefined ? party : null;
    result.push({
      ...{ iri, side, decision, transferId: one.transferId as Id },
      hold: before === undefined ? { memberId, amount, agreementId, note } : null,
    });
  }
  return result;
}

const movesLedger = (state: string) => state !== "reserved" && state !== "rejected";

/** What is decided of a transfer, and by whom; null: it is a promise so far. */
function decisionOf({ row, kept, entry }: Changed) {
  if (row.state === "prepared") return null;
  const order = kept?.order == null ? null : unpack<PlacedOrder>(kept.order);
  const amounts = entry?.amounts ?? null;
  if (order !== null) return { amounts, by: { decision: order.decision, accountId: order.accountId } };
  const decision =
    row.state === "settled" ? (WHY[entry?.confirm ?? ""] ?? "confirm") : (row.reason ?? "recovery");
  return { amounts, by: { decision, accountId: null } };
}

/** The messages of an agreement for what an entry says in place of a confirmation's digest. */
const WHY: Record<string, string> = { auto: "tick", rule: "tick", resolution: "sign" };

async function holdsOf(ctx: Ctx, moved: readonly Changed[]) {
  const ids = moved.flatMap(({ transferId }) => (transferId === null ? [] : [transferId.toString()]));
  if (ids.length === 0) return new Map<Id, { payer: Id; payee: Id }>();
  const rows = await ctx.db.execute<{ id: string; payer_id: string; payee_id: string }>(sql`
    select id, payer_id, payee_id from transfers where id = any(${sql.param(ids)}::bigint[]) order by id for no key update`);
  return new Map(
    [...rows].map(({ id, payer_id, payee_id }) => [
      BigInt(id),
      { payer: BigInt(payer_id), payee: BigInt(payee_id) },
    ]),
  );
}

/** Accounts of the ledger for those who pay or are paid here, by their iris; who is not known (any more) has none. */
async function membersOf(ctx: Ctx, { hub }: Loaded, moved: readonly Changed[]): Promise<Map<string, Id>> {
  const wanted = moved.filter(({ transferId }) => transferId === null);
  const iris = new Set(wanted.map(({ entry, terms, side }) => entry?.[side] ?? terms?.[side] ?? ""));
  const found = new Map<string, Id>();
  // The fund pays in the hub's name.
  if (iris.delete(hub)) found.set(hub, await fundAccount(ctx));
  if (iris.size === 0) return found;
  const rows = await ctx.db
    .select({
      iri: actors.iri,
      actorId: actors.id,
      accountId: ledgerAccounts.id,
      closed: ledgerAccounts.closed,
    })
    .from(actors)
    .leftJoin(
      ledgerAccounts,
      sql`${ledgerAccounts.actorId} = ${actors.id} and ${ledgerAccounts.kind} = 'organization'`,
    )
    .where(
      sql`${actors.iri} = any(${sql.param([...iris])}::text[]) and ${actors.host} is null and ${actors.kind} = 'Organization'`,
    );
  for (const { iri, actorId, accountId, closed } of rows)
    if (closed === null) found.set(iri, accountId ?? (await organizationAccount(ctx, actorId)));
  return found;
}

/** Percent that providers give to the fund, by agreement. */
async function donationsOf(ctx: Ctx, moved: readonly Changed[]): Promise<Map<Id, number>> {
  const ids = moved.flatMap(({ row, agreementId }) =>
    row.state === "settled" && agreementId !== null ? [agreementId] : [],
  );
  if (ids.length === 0) return new Map();
  const rows = await ctx.db
    .select({ id: agreements.id, donation: agreements.donation })
    .from(agreements)
    .where(sql`${agreements.id} = any(${sql.param(ids.map(String))}::bigint[])`);
  return new Map(rows.map(({ id, donation }) => [id, donation]));
}

/** The payer's hub named the transfer by its own id: it has it again. The payee's hub gives it one of its own. */
async function transferIdOf(ctx: Ctx, { side, iri }: Changed): Promise<Id> {
  const own = side === "payer" ? parseId(iri.slice(iri.lastIndexOf("/") + 1)) : null;
  return own ?? ctx.ids.next(ctx.clock.now());
}

// ── Transfers, logs, the link ────────────────────────────────────────────────────────────────────────────────────────────

async function upsert(
  ctx: Ctx,
  peerId: Id,
  changed: readonly Changed[],
  asked: Map<string, Asked>,
): Promise<void> {
  if (changed.length === 0) return;
  const now = ctx.clock.now();
  const column = (value: (one: Changed) => unknown) =>
    sql.param(
      changed.map((one) => {
        const given = value(one);
        return given === null || given === undefined
          ? null
          : given instanceof Date
            ? given.toISOString()
            : `${given}`;
      }),
    );
  await ctx.db.execute(sql`
    insert into clearing_transfers (peer_id, iri, side, state, transfer_id, agreement_id, terms, seconds, request, digest, promise,
      promise_digest, reason, "order", seq, due, attempts, created, decided)
    select ${peerId}::bigint, * from unnest(
      ${column(({ iri }) => iri)}::text[],
      ${column(({ side }) => side)}::text[],
      ${column(({ row }) => row.state)}::text[],
      ${column(({ transferId }) => transferId)}::bigint[],
      ${column(({ agreementId }) => agreementId)}::bigint[],
      ${column(termsText)}::text[],
      ${column(({ terms, entry }) => terms?.quote.seconds ?? entry?.amounts.seconds ?? 0n)}::bigint[],
      ${column(({ row }) => row.request?.body)}::text[],
      ${column(({ row }) => row.request?.digest)}::text[],
      ${column(({ row }) => row.promise?.body)}::text[],
      ${column(({ row }) => row.promise?.digest)}::text[],
      ${column(({ row }) => row.reason)}::text[],
      ${column(({ row, kept }) => ("order" in row && row.order !== null ? kept?.order : null))}::text[],
      ${column(({ row }) => row.seq)}::bigint[],
      ${column(({ iri }) => asked.get(iri)?.due)}::text[]::timestamptz[],
      ${column(({ iri }) => asked.get(iri)?.attempts ?? 0)}::int[],
      ${column(({ kept }) => kept?.created ?? now)}::text[]::timestamptz[],
      ${column(({ row }) => (row.state === "reserved" || row.state === "prepared" ? null : now))}::text[]::timestamptz[]
    )
    on conflict (iri) do update set state = excluded.state, transfer_id = excluded.transfer_id,
      agreement_id = coalesce(clearing_transfers.agreement_id, excluded.agreement_id), terms = excluded.terms,
      seconds = excluded.seconds, request = excluded.request, digest = excluded.digest, promise = excluded.promise,
      promise_digest = excluded.promise_digest, reason = excluded.reason, "order" = excluded."order", seq = excluded.seq,
      due = excluded.due, attempts = excluded.attempts, stuck = null, retry = null, decided = coalesce(clearing_transfers.decided, excluded.decided)`);
}

/** The text as it was, where nothing of it changed: what is decided keeps every byte. */
function termsText({ kept, terms }: Changed): string | null {
  return kept?.terms ?? (terms === null ? null : pack(terms));
}

/** Both logs get what is new in them, byte for byte. */
async function append(ctx: Ctx, round: Round): Promise<void> {
  const rows = [
    ...round.newSent.map((entry) => ({ entry, direction: "out" as const })),
    ...round.newReceived.map((entry) => ({ entry, direction: "in" as const })),
  ];
  if (rows.length === 0) return;
  const column = (value: (row: (typeof rows)[number]) => unknown) =>
    sql.param(rows.map((row) => `${value(row)}`));
  await ctx.db.execute(sql`
    insert into ${clearingEntries} (peer_id, created, direction, seq, transfer, seconds, cumulative, digest, prev, body)
    select ${round.loaded.peerId}::bigint, ${ctx.clock.now().toISOString()}::timestamptz, * from unnest(
      ${column(({ direction }) => direction)}::text[],
      ${column(({ entry }) => entry.seq)}::bigint[],
      ${column(({ entry }) => entry.transfer)}::text[],
      ${column(({ entry }) => entry.amounts.seconds)}::bigint[],
      ${column(({ entry }) => entry.cumulative)}::bigint[],
      ${column(({ entry }) => entry.digest)}::text[],
      ${column(({ entry }) => entry.prev)}::text[],
      ${column(({ entry }) => entry.body)}::text[])`);
}

/** A peer that said what it may not: nothing more is settled with it until an administrator has looked. */
async function freeze(
  ctx: Ctx,
  { peerId, name }: Loaded,
  { kind, detail, bodies }: Evidence,
  envelope: string | null,
): Promise<void> {
  const now = ctx.clock.now();
  await ctx.db.insert(clearingEvidence).values({
    ...{ peerId, kind, detail, created: now },
    bodies: JSON.stringify(envelope === null ? bodies : [...bodies, envelope]),
  });
  await ctx.db
    .update(peers)
    .set({ state: "frozen", reason: kind, note: detail, changed: now })
    .where(eq(peers.id, peerId));
  await notifyStaff(ctx, "admin", "peer_frozen", `/admin/peers/${peerId}`, { actor: name });
}

/** The rules' link as columns. */
export function linkColumns(link: Link) {
  return {
    ...{ ready: link.ready, epoch: link.session.epoch, nonce: link.session.nonce },
    ...{ peerEpoch: link.peerSession.epoch, peerNonce: link.peerSession.nonce },
    ...{ outSeq: link.out.seq, outCumulative: link.out.cumulative, outDigest: link.out.digest },
    ...{ inSeq: link.in.seq, inCumulative: link.in.cumulative, inDigest: link.in.digest },
    ...{ ackedSeq: link.acked.seq, ackedCumulative: link.acked.cumulative },
    ...{ prepared: link.prepared, preparedCount: link.preparedCount },
    resync: link.resync === null ? null : pack(link.resync),
  };
}

// ── What agreements are told ─────────────────────────────────────────────────────────────────────────────────────────────

function toldOf({ agreementId, side, row, kept, how, entry }: Changed): Told[] {
  if (agreementId === null) return [];
  const say = (word: ClearingWord) => [{ agreementId, word }];
  const reason = row.reason ?? "";
  if (row.state === kept?.state)
    return row.state === "reserved" && row.promise !== null && kept.promise === null
      ? say({ type: "promised" })
      : [];
  switch (row.state) {
    case "prepared":
      return say({ type: "promised" });
    case "rejected":
      return say({ type: "refused", reason });
    case "committed":
      return say({ type: "committed" });
    case "settled": {
      if (entry === null) return [];
      const { amounts, confirm } = entry;
      return say({ type: "settled", amounts, confirm, automatic: confirm === "auto" });
    }
    case "released":
      return kept === null ? [] : say({ type: "released" });
    case "aborted":
      if (kept === null || side === "payee") return [];
      return say(how.ordered ? { type: "released" } : { type: "refused", reason });
    default:
      return [];
  }
}
