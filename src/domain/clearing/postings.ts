import { sql } from "drizzle-orm";
import { type Id, SQL_ID } from "../../db/ids.ts";
import type { LedgerAccountKind } from "../../db/schema/ledger.ts";
import type { Ctx } from "../context.ts";
import { localHub } from "../hubs/queries.ts";
import { fundAccount, shown } from "../ledger/accounts.ts";
import { type Account, donationOf, growthBy } from "../ledger/rules.ts";
import { notifyStaff } from "../notices/commands.ts";
import type { Loaded } from "./load.ts";
import type { Amounts } from "./messages-rules.ts";

/** What becomes of a transfer's hold in this hub's ledger. */
export interface Posting {
  transferId: Id;
  iri: string;
  side: "payer" | "payee";
  /** The hold is made now; null: it is there. `amount`: minor units. */
  hold: Hold | null;
  /** And it is decided; null: not yet. */
  decision: Decision | null;
}

export interface Hold {
  /** The account of the member: who pays on the payer's side, who is paid on the payee's. */
  memberId: Id;
  amount: bigint;
  agreementId: Id | null;
  /** Whom it was meant for, when the member is not known here (any more). */
  note: string | null;
}

export type Decision = {
  decision: string;
  accountId: Id | null;
  memberId: Id;
} & (
  | { state: "aborted" }
  /** `donation`: percent of what the payee earns. */
  | { state: "committed"; amounts: Amounts; donation: number }
);

type Locked = Account & { id: Id; maximum: bigint | null };

/**
 * Writes what happened to many transfers between hubs, each kind in one statement: holds, decisions with their entries, and the
 * growth of credit lines by what was earned.
 *
 * @param recovered what this hub had decided before and forgot: it is posted also where a floor is in the way
 */
export async function post(
  ctx: Ctx,
  { accounts, name }: Loaded,
  postings: readonly Posting[],
  recovered: boolean,
): Promise<void> {
  if (postings.length === 0) return;
  const donates = postings.some(({ decision }) => decision?.state === "committed" && donated(decision) > 0n);
  const fundId = donates ? await fundAccount(ctx) : null;
  const members = postings.flatMap(({ hold, decision }) => [
    ...(hold === null ? [] : [hold.memberId]),
    ...(decision === null ? [] : [decision.memberId]),
  ]);
  const locked = await lock(ctx, [
    ...Object.values(accounts),
    ...(fundId === null ? [] : [fundId]),
    ...members,
  ]);
  const holds = postings.filter(({ hold }) => hold !== null);
  if (recovered) await makeRoom(ctx, name, holds, locked);
  await insertHolds(ctx, accounts.credit, holds);
  await abortHolds(ctx, postings);
  await commitHolds(ctx, accounts, fundId, postings);
  await grow(ctx, postings, locked);
}

const donated = ({ amounts, donation }: Extract<Decision, { state: "committed" }>) =>
  donationOf(amounts.payee, donation);

/** In the order of their ids, as everybody does: nobody waits for another in a circle. */
async function lock(ctx: Ctx, wanted: readonly Id[]): Promise<Map<Id, Locked>> {
  const rows = await ctx.db.execute<{
    id: string;
    kind: LedgerAccountKind;
    posted: string;
    held: string;
    minimum: string | null;
    growth: string;
    maximum: string | null;
    closed: boolean;
  }>(sql`
    select id, kind, posted, held, minimum, growth, maximum, closed is not null as closed from ledger_accounts
    where id = any(${ids(wanted)}::bigint[]) order by id for no key update`);
  return new Map(
    [...rows].map((row) => [
      BigInt(row.id),
      {
        ...{ id: BigInt(row.id), kind: row.kind, closed: row.closed },
        ...{ posted: BigInt(row.posted), held: BigInt(row.held), growth: BigInt(row.growth) },
        minimum: row.minimum === null ? null : BigInt(row.minimum),
        maximum: row.maximum === null ? null : BigInt(row.maximum),
      },
    ]),
  );
}

/** Lowers floors, just so far that what was decided once can be posted; administrators are told. */
async function makeRoom(
  ctx: Ctx,
  peer: string,
  holds: readonly Posting[],
  locked: Map<Id, Locked>,
): Promise<void> {
  const taken = new Map<Id, bigint>();
  for (const { side, hold } of holds)
    if (side === "payer" && hold !== null)
      taken.set(hold.memberId, (taken.get(hold.memberId) ?? 0n) + hold.amount);
  for (const [id, amount] of taken) {
    const account = locked.get(id);
    if (account === undefined || account.minimum === null) continue;
    const lowest = account.posted - account.held - amount;
    if (lowest >= account.minimum) continue;
    await ctx.db.execute(sql`
      with changed as (
        update ledger_accounts set minimum = ${lowest}::bigint where id = ${id}::bigint
        returning id, minimum, growth, maximum
      )
      insert into limit_changes (ledger_account_id, minimum, growth, maximum, reason, created)
      select id, minimum, growth, maximum, 'recovery', ${ctx.clock.now().toISOString()}::timestamptz from changed`);
    const over = shown(account.minimum - lowest, await localHub(ctx));
    locked.set(id, { ...account, minimum: lowest });
    await notifyStaff(ctx, "admin", "recovery_overdraft", "/admin/ledger", { actor: peer, amount: over });
  }
}

async function insertHolds(ctx: Ctx, conversionId: Id, holds: readonly Posting[]): Promise<void> {
  const rows = holds.flatMap(({ hold, ...one }) => (hold === null ? [] : [{ ...one, ...hold }]));
  if (rows.length === 0) return;
  const payer = (row: (typeof rows)[number]) => (row.side === "payer" ? row.memberId : conversionId);
  const payee = (row: (typeof rows)[number]) => (row.side === "payer" ? conversionId : row.memberId);
  await ctx.db.execute(sql`
    insert into transfers (id, iri, kind, state, payer_id, payee_id, amount, agreement_id, note, created)
    select id, iri, 'agreement', 'reserved', payer, payee, amount, agreement, note, ${ctx.clock.now().toISOString()}::timestamptz
    from unnest(
      ${ids(rows.map((row) => row.transferId))}::bigint[],
      ${sql.param(rows.map((row) => row.iri))}::text[],
      ${ids(rows.map(payer))}::bigint[],
      ${ids(rows.map(payee))}::bigint[],
      ${ids(rows.map((row) => row.amount))}::bigint[],
      ${sql.param(rows.map((row) => row.agreementId?.toString() ?? null))}::bigint[],
      ${sql.param(rows.map((row) => row.note))}::text[]
    ) as held (id, iri, payer, payee, amount, agreement, note)`);
}

async function abortHolds(ctx: Ctx, postings: readonly Posting[]): Promise<void> {
  const rows = postings.flatMap(({ transferId, decision }) =>
    decision?.state === "aborted" ? [{ transferId, ...decision }] : [],
  );
  if (rows.length === 0) return;
  await ctx.db.execute(sql`
    update transfers t set state = 'aborted', decision = decided.decision, account_id = decided.account,
      decided = ${ctx.clock.now().toISOString()}::timestamptz
    from unnest(
      ${ids(rows.map((row) => row.transferId))}::bigint[],
      ${sql.param(rows.map((row) => row.decision))}::text[],
      ${sql.param(rows.map((row) => row.accountId?.toString() ?? null))}::bigint[]
    ) as decided (id, decision, account)
    where t.id = decided.id`);
}

interface Line {
  transferId: Id;
  account: Id;
  unit: "credit" | "hour-second";
  amount: bigint;
}

/** The hold is released and all lines of all transfers are posted in one statement, or nothing is. */
async function commitHolds(
  ctx: Ctx,
  accounts: Loaded["accounts"],
  fundId: Id | null,
  postings: readonly Posting[],
): Promise<void> {
  const rows = postings.flatMap(({ transferId, side, decision }) =>
    decision?.state === "committed" ? [{ transferId, side, ...decision }] : [],
  );
  if (rows.length === 0) return;
  const lines: Line[] = rows.flatMap((row) => linesOf(row, accounts, fundId));
  const time = sql`${ctx.clock.now().toISOString()}::timestamptz`;
  await ctx.db.execute(sql`
    with decided as (
      update transfers t set state = 'committed', settled = given.settled, decision = given.decision, account_id = given.account,
        decided = ${time}
      from unnest(
        ${ids(rows.map((row) => row.transferId))}::bigint[],
        ${ids(rows.map(({ side, amounts }) => amounts[side]))}::bigint[],
        ${sql.param(rows.map((row) => row.decision))}::text[],
        ${sql.param(rows.map((row) => row.accountId?.toString() ?? null))}::bigint[]
      ) as given (id, settled, decision, account)
      where t.id = given.id
      returning t.id
    )
    insert into entries (id, transfer_id, account_id, unit, amount, created)
    select ${sql.raw(SQL_ID)}, decided.id, line.account, line.unit, line.amount, ${time}
    from decided join unnest(
      ${ids(lines.map((line) => line.transferId))}::bigint[],
      ${ids(lines.map((line) => line.account))}::bigint[],
      ${sql.param(lines.map((line) => line.unit))}::text[],
      ${ids(lines.map((line) => line.amount))}::bigint[]
    ) with ordinality as line (transfer, account, unit, amount, position) on line.transfer = decided.id
    order by line.position`);
}

function linesOf(
  row: Extract<Decision, { state: "committed" }> & Pick<Posting, "transferId" | "side">,
  { credit, seconds, clearing }: Loaded["accounts"],
  fundId: Id | null,
): Line[] {
  const { transferId, side, memberId, amounts } = row;
  const pays = side === "payer";
  const [from, to] = pays ? [memberId, credit] : [credit, memberId];
  const owed = pays ? amounts.seconds : -amounts.seconds;
  const gift = pays ? 0n : donated(row);
  const line = (account: Id, unit: Line["unit"], amount: bigint) => ({ transferId, account, unit, amount });
  return [
    line(from, "credit", -amounts[side]),
    line(to, "credit", amounts[side]),
    ...(gift > 0n && fundId !== null ? [line(to, "credit", -gift), line(fundId, "credit", gift)] : []),
    line(seconds, "hour-second", -owed),
    line(clearing, "hour-second", owed),
  ];
}

/** What an organization earns makes its credit line longer, while that may grow. */
async function grow(ctx: Ctx, postings: readonly Posting[], locked: Map<Id, Locked>): Promise<void> {
  const grown = new Map<Id, bigint>();
  for (const { side, decision } of postings) {
    if (side !== "payee" || decision?.state !== "committed") continue;
    const account = locked.get(decision.memberId);
    if (account === undefined) continue;
    const by = growthBy(account, decision.amounts.payee);
    if (by === 0n) continue;
    grown.set(account.id, (grown.get(account.id) ?? 0n) + by);
    locked.set(account.id, { ...account, growth: account.growth - by });
  }
  if (grown.size === 0) return;
  await ctx.db.execute(sql`
    update ledger_accounts a set minimum = a.minimum - grown.by, growth = a.growth - grown.by
    from unnest(${ids([...grown.keys()])}::bigint[], ${ids([...grown.values()])}::bigint[]) as grown (id, by)
    where a.id = grown.id`);
}

const ids = (values: readonly bigint[]) => sql.param(values.map(String));
