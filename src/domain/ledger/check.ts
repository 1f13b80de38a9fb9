import { eq, isNull, sql } from "drizzle-orm";
import { ledgerChecks, ledgerFreezes } from "../../db/schema/ledger.ts";
import { requireRole } from "../accounts/queries.ts";
import type { Acting, Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { notifyStaff } from "../notices/commands.ts";
import { transact } from "../transact.ts";
import { requiredText } from "../validate.ts";

/** Something in the books that must not be. */
export interface Finding {
  /** Which check found it: a key of `CHECKS`. */
  check: string;
  /** What is wrong: `transfer 123`, `account 45`, `agreement 67`, `peer 8` … */
  subject: string;
  /** The numbers that do not fit, for whoever mends it. */
  detail: string;
}

/** Of each kind so many are told; one is enough to stop everything. */
const TOLD = 20;

/** States of an agreement in which its transfer, when it has one, is a hold; in the second three it must have one. */
const OPEN = "('offered', 'accepted', 'funded', 'delivered', 'disputed')";
const FUNDED = "('funded', 'delivered', 'disputed')";

/**
 * What must be true of the books whenever nobody is writing: each query selects `subject` and `detail` of what is not. Together they
 * are one statement, and so see one state of the database, also while the hub is working.
 */
const CHECKS = {
  /**
   * Entries of a transfer sum to zero, are posted if and only if it was committed, and are what it settled; beside that, at most a
   * fifth may go from the payee to the fund.
   */
  transfers: `
    select 'transfer ' || coalesce(t.id, e.transfer_id), format('%s of %s, settled %s: %s entries, sum %s and %s', t.state, t.amount, t.settled, coalesce(e.n, 0), e.credit, e.seconds)
    from transfers t full join (
      select e.transfer_id, count(*) as n,
        sum(e.amount) filter (where e.unit = 'credit') as credit,
        sum(e.amount) filter (where e.unit = 'hour-second') as seconds,
        count(*) filter (where e.account_id = t.payer_id and e.amount = -t.settled) as paid,
        count(*) filter (where e.account_id = t.payee_id and e.amount = t.settled) as got,
        count(*) filter (where e.unit = 'credit') as credits,
        count(*) filter (where e.unit = 'credit' and case
          when e.amount = -t.settled then e.account_id = t.payer_id
          when e.amount = t.settled then e.account_id = t.payee_id
          when e.amount < 0 then e.account_id = t.payee_id and e.amount >= -t.settled / 5
          else a.kind = 'solidarity' end) as known
      from entries e left join transfers t on t.id = e.transfer_id left join ledger_accounts a on a.id = e.account_id
      group by e.transfer_id
    ) e on e.transfer_id = t.id
    where case when t.state = 'committed'
      then e.n is null or coalesce(e.credit, 0) <> 0 or coalesce(e.seconds, 0) <> 0 or e.paid <> 1 or e.got <> 1
        or e.credits > 4 or e.known <> e.credits or t.settled is null or t.settled > t.amount
      else e.n is not null or t.settled is not null end`,
  /** Every account starts from nothing, and each line moves the balance on. */
  lines: `
    select 'account ' || account_id, format('line %s: %s after %s should be %s, as line %s', seq, balance, amount, running, position)
    from (
      select account_id, seq, amount, balance,
        sum(amount) over account as running, row_number() over account as position
      from entries window account as (partition by account_id order by seq rows unbounded preceding)
    ) line
    where balance <> running or seq <> position`,
  /** Stored sums are those of entries and holds, and the floor holds. */
  accounts: `
    select 'account ' || a.id, format('posted %s, entries give %s; %s entries, are %s; held %s, holds give %s; floor %s',
      a.posted, coalesce(e.posted, 0), a.entries, coalesce(e.n, 0), a.held, coalesce(h.held, 0), a.minimum)
    from ledger_accounts a
      left join (select account_id, unit, sum(amount) as posted, count(*) as n from entries group by 1, 2) e on e.account_id = a.id
      left join (select payer_id, sum(amount) as held from transfers where state = 'reserved' group by 1) h on h.payer_id = a.id
    where a.posted <> coalesce(e.posted, 0) or a.entries <> coalesce(e.n, 0) or a.held <> coalesce(h.held, 0)
      or e.unit <> a.unit or a.posted - a.held < a.minimum`,
  /** No unit has more or less of it than nothing. */
  sum: `
    select 'unit ' || unit, format('all balances together are %s', sum(posted))
    from ledger_accounts group by unit having sum(posted) <> 0`,
  /** A correction gives back what was settled, the other way, and no more. */
  corrections: `
    select 'transfer ' || t.id, format('settled %s, given back %s', t.settled, sum(c.amount))
    from transfers c join transfers t on t.id = c.corrects
    where c.state <> 'aborted'
    group by t.id
    having t.settled is null or sum(c.amount) > t.settled or bool_or(c.payer_id <> t.payee_id or c.payee_id <> t.payer_id)`,
  /**
   * A hold or payment is that of the agreement that names it, between its parties (with a voucher the fund pays), and a hold only
   * while that is open. Donations and corrections are posted in the transaction that reserves them.
   */
  owners: `
    select 'transfer ' || t.id, format('%s of %s, %s, for %s, which is %s and names %s', t.kind, t.amount, t.state,
      coalesce('agreement ' || t.agreement_id, 'nothing'), coalesce(a.state, 'not there'), coalesce('transfer ' || a.transfer_id, 'none'))
    from transfers t left join agreements a on a.id = t.agreement_id
      left join ledger_accounts payer on payer.id = t.payer_id left join ledger_accounts payee on payee.id = t.payee_id
    where t.state <> 'aborted' and 'conversion' not in (payer.kind, payee.kind) and case when t.kind = 'agreement'
      then t.agreement_id is not null
        and (a.id is null or a.transfer_id is distinct from t.id or t.state = 'reserved' and a.state not in ${OPEN}
          or payee.actor_id is distinct from a.provider_id
          or case when a.voucher_id is null then payer.actor_id is distinct from a.receiver_id
            else payer.kind is distinct from 'solidarity' end)
      else t.state = 'reserved' end`,
  /**
   * Between hubs a transfer goes from a party to the peer's conversion account, or from there to a party: of its agreement, where that
   * is known. What came back after a restore without its party stands with the guarantee fund.
   */
  crossing: `
    select 'transfer ' || t.id, format('%s of %s, %s, from %s to %s, for %s: %s of peer %s', t.kind, t.amount, t.state, payer.kind, payee.kind,
      coalesce('agreement ' || t.agreement_id, 'nothing'), coalesce(c.side, 'no transfer'), c.peer_id)
    from ledger_accounts conversion
      join transfers t on conversion.id in (t.payer_id, t.payee_id)
      join ledger_accounts payer on payer.id = t.payer_id join ledger_accounts payee on payee.id = t.payee_id
      left join clearing_transfers c on c.transfer_id = t.id left join peers p on p.id = c.peer_id
      left join agreements a on a.id = t.agreement_id
    where conversion.kind = 'conversion' and (c.iri is null or t.kind <> 'agreement' or p.actor_id is distinct from conversion.actor_id
      or a.peer_id is distinct from c.peer_id and a.id is not null
      or case c.side
        when 'payer' then payee.kind <> 'conversion' or payer.kind = 'organization' and payer.actor_id <> a.receiver_id
        else payer.kind <> 'conversion' or payee.kind = 'organization' and payee.actor_id <> a.provider_id end)`,
  /** A line is what was decided last, and what it has grown by since it may grow less. */
  limits: `
    select 'account ' || a.id, format('floor %s, may grow by %s; decided was %s, and %s', a.minimum, a.growth, l.minimum, l.growth)
    from ledger_accounts a left join lateral (
      select minimum, growth from limit_changes where ledger_account_id = a.id order by id desc limit 1
    ) l on true
    where (a.kind = 'organization' or l.minimum is not null) and (a.minimum is null
      or a.minimum - a.growth <> coalesce(l.minimum - l.growth, 0) or a.minimum > coalesce(l.minimum, 0))`,
  /** A voucher is used by one agreement, its organization's, for no more than it is worth; none is used by nothing. */
  vouchers: `
    select 'voucher ' || v.id, format('%s for %s, names agreement %s; used by %s for %s', v.state, v.approved, v.agreement_id, a.id, a.amount)
    from vouchers v left join (select * from agreements where voucher_id is not null) a on a.voucher_id = v.id
    where case when a.id is null then v.state = 'used'
      else v.state <> 'used' or v.agreement_id is distinct from a.id or v.organization_id <> a.receiver_id
        or a.amount > coalesce(v.approved, 0) end`,
  /** Gifts and counted exchanges move no credits. */
  gifts: `
    select 'agreement ' || a.id, format('%s, and yet there is a transfer', a.settlement)
    from agreements a left join transfers t on t.agreement_id = a.id
    where a.settlement <> 'credit' and (a.transfer_id is not null or t.id is not null)`,
  /** What an agreement says was promised or paid is what the ledger says. */
  agreements: `
    select 'agreement ' || a.id, format('%s for %s, settled %s: transfer %s is %s of %s, settled %s',
      a.state, a.amount, a.settled_amount, a.transfer_id, t.state, t.amount, t.settled)
    from agreements a left join transfers t on t.id = a.transfer_id
    where a.settlement = 'credit' and a.peer_id is null and case
      when a.state in ('settled', 'resolved') then
        (a.state = 'settled' and a.settled_amount is null)
        or coalesce(a.settled_amount, 0) <> coalesce(t.settled, 0)
        or (a.settled_amount is not null and t.amount is distinct from a.amount)
      when a.state in ${OPEN} then
        (a.state in ${FUNDED} and t.id is null)
        or (a.transfer_id is not null and (t.state is distinct from 'reserved' or t.amount <> a.amount))
      else t.state in ('reserved', 'committed') end`,
  /** The same of one between hubs: it is settled when the payer's hub has decided, and for what it decided. */
  agreed: `
    select 'agreement ' || a.id, format('%s for %s, settled %s: paid %s in %s transfers', a.state, a.amount, a.settled_amount, t.settled, t.n)
    from agreements a left join (
      select agreement_id, sum(settled) as settled, count(*) as n from transfers
      where kind = 'agreement' and state = 'committed' and agreement_id is not null group by 1
    ) t on t.agreement_id = a.id
    where a.settlement = 'credit' and a.peer_id is not null and a.state in ('settled', 'resolved')
      and ((a.state = 'settled' and a.settled_amount is null) or coalesce(a.settled_amount, 0) <> coalesce(t.settled, 0) or t.n > 1)`,
  /** Each log counts from one, adds up, and each entry names the one before it. */
  logs: `
    select format('log %s of peer %s', direction, peer_id), format('entry %s at place %s: %s in all, should be %s; follows %s, before it is %s',
      seq, position, cumulative, running, prev, before)
    from (
      select peer_id, direction, seq, cumulative, prev, row_number() over log as position, sum(seconds) over log as running,
        coalesce(lag(digest) over log, '') as before
      from clearing_entries window log as (partition by peer_id, direction order by seq rows unbounded preceding)
    ) entry
    where seq <> position or cumulative <> running or prev <> before`,
  /** A link stands where its logs end, and counts what is promised. What the peer has acknowledged is in our log. */
  links: `
    select 'peer ' || l.peer_id, format('out %s, %s; in %s, %s; acknowledged %s, %s; promised %s in %s, promises are %s in %s',
      l.out_seq, l.out_cumulative, l.in_seq, l.in_cumulative, l.acked_seq, l.acked_cumulative, l.prepared, l.prepared_count, promised.sum, promised.n)
    from clearing_links l
      left join lateral (select seq, cumulative, digest from clearing_entries e
        where e.peer_id = l.peer_id and e.direction = 'out' order by seq desc limit 1) sent on true
      left join lateral (select seq, cumulative, digest from clearing_entries e
        where e.peer_id = l.peer_id and e.direction = 'in' order by seq desc limit 1) received on true
      left join clearing_entries acked on acked.peer_id = l.peer_id and acked.direction = 'out' and acked.seq = l.acked_seq
      cross join lateral (select coalesce(sum(seconds), 0) as sum, count(*) as n from clearing_transfers t
        where t.peer_id = l.peer_id and t.state = 'prepared') promised
    where (l.out_seq, l.out_cumulative, l.out_digest) <> (coalesce(sent.seq, 0), coalesce(sent.cumulative, 0), coalesce(sent.digest, ''))
      or (l.in_seq, l.in_cumulative, l.in_digest) <> (coalesce(received.seq, 0), coalesce(received.cumulative, 0), coalesce(received.digest, ''))
      or l.acked_seq > l.out_seq or l.acked_cumulative <> coalesce(acked.cumulative, 0)
      or (l.prepared, l.prepared_count) <> (promised.sum, promised.n)`,
  /**
   * A transfer between hubs is in the log if and only if it was decided to be paid, and then is posted: here in credits, and between the
   * hubs what the entry says. Else it holds as long as it is open, and then nothing any more.
   */
  cleared: `
    select 'clearing ' || coalesce(c.iri, e.transfer), format('%s, number %s, entry %s %s of %s; transfer %s is %s, %s between the hubs',
      c.state, c.seq, e.direction, e.seq, e.seconds, t.id, t.state, moved.amount)
    from clearing_transfers c full join clearing_entries e on e.transfer = c.iri
      left join transfers t on t.id = c.transfer_id
      left join (select m.transfer_id, sum(m.amount) as amount, count(*) as n from entries m
        join ledger_accounts a on a.id = m.account_id and a.kind = 'clearing' group by 1) moved on moved.transfer_id = t.id
    where case
      when c.iri is null then true
      when c.state in ('committed', 'settled') then e.seq is null or e.seq is distinct from c.seq or e.peer_id <> c.peer_id
        or e.direction <> case c.side when 'payer' then 'out' else 'in' end
        or t.state is distinct from 'committed' or moved.n is distinct from 1
        or moved.amount is distinct from case c.side when 'payer' then e.seconds else -e.seconds end
      when c.state in ('reserved', 'prepared') then e.seq is not null or t.state is distinct from 'reserved'
      else e.seq is not null or t.state is not null and t.state <> 'aborted' end`,
  /** What hubs owe one another is what both logs say, and what it was changed from and to. */
  owed: `
    select 'peer ' || l.peer_id, format('clearing %s, conversion %s; the logs say %s', clearing.posted, seconds.posted, l.out_cumulative - l.in_cumulative)
    from clearing_links l join peers p on p.id = l.peer_id
      left join ledger_accounts clearing on clearing.kind = 'clearing' and clearing.actor_id = p.actor_id and clearing.unit = 'hour-second'
      left join ledger_accounts seconds on seconds.kind = 'conversion' and seconds.actor_id = p.actor_id and seconds.unit = 'hour-second'
    where clearing.posted is distinct from l.out_cumulative - l.in_cumulative or seconds.posted is distinct from -clearing.posted`,
  /** Nobody is stopped without a word. */
  frozen: `
    select 'peer ' || id, 'frozen, and nobody says why' from peers where state = 'frozen' and reason is null`,
} as const;

const QUERY = Object.entries(CHECKS)
  .map(
    ([name, query]) =>
      `(select '${name}' as "check", subject, detail from (${query}) as found (subject, detail) limit ${TOLD})`,
  )
  .join("\nunion all\n");

/** Everything that is wrong with the books; empty when all is well. Reads every entry. */
export function checkLedger(ctx: Ctx): Promise<Finding[]> {
  return transact(ctx, async ({ db }) => {
    // Large books take longer than what anybody waits for.
    await db.execute(sql`set local statement_timeout = '10min'`);
    // All of it is read: a row at a time is never the right way, and where a table is larger than the planner knows (after a restore, or
    // much at once) such loops took a ledger of a hundred thousand entries minutes instead of seconds.
    await db.execute(sql`set local enable_nestloop = off`);
    const rows = await db.execute<Finding & Record<string, unknown>>(sql.raw(QUERY));
    return [...rows].map(({ check, subject, detail }) => ({ check, subject, detail }));
  });
}

/** Checks the books and writes down what was found. A finding freezes the ledger and is told to the administrators. */
export async function runChecks(ctx: Ctx): Promise<Finding[]> {
  const findings = await checkLedger(ctx);
  await transact(ctx, async (ctx) => {
    const now = ctx.clock.now();
    await ctx.db.insert(ledgerChecks).values({
      checked: now,
      findings: JSON.stringify(findings),
      entries: sql`(select coalesce(sum(entries), 0) from ledger_accounts)`,
    });
    if (findings.length === 0) return;
    const reason = findings.map((finding) => `${finding.subject}: ${finding.detail}`).join("\n");
    const opened = await ctx.db
      .insert(ledgerFreezes)
      .values({ reason, frozen: now })
      .onConflictDoNothing()
      .returning({ id: ledgerFreezes.id });
    if (opened.length > 0) await notifyStaff(ctx, "admin", "ledger_frozen", "/admin", {});
  });
  return findings;
}

/**
 * An administrator lets payments go on. When the fault is still there, the next check stops them again.
 *
 * @param note what was found out and done, for whoever looks later
 * @throws DomainError forbidden, required, too_long; not_found when nothing is frozen
 */
export async function releaseFreeze(ctx: Ctx, { accountId }: Acting, note: string): Promise<void> {
  await requireRole(ctx, accountId, "admin");
  const text = requiredText("note", note, 1_000);
  await transact(ctx, async (ctx) => {
    const [open] = await ctx.db
      .select()
      .from(ledgerFreezes)
      .where(isNull(ledgerFreezes.released))
      .for("update");
    if (open === undefined) throw new DomainError("not_found", "the ledger is not frozen");
    await ctx.db
      .update(ledgerFreezes)
      .set({ released: ctx.clock.now(), releasedBy: accountId, reason: `${open.reason}\n\n${text}` })
      .where(eq(ledgerFreezes.id, open.id));
  });
}
