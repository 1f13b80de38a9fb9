import { createHash } from "node:crypto";
import { type Id, idAt } from "../src/db/ids.ts";
import { agreementSteps, agreements } from "../src/db/schema/agreements.ts";
import { proposals } from "../src/db/schema/proposals.ts";
import { saveRemoteActor } from "../src/domain/actors/commands.ts";
import { actorById } from "../src/domain/actors/queries.ts";
import type { Quote, Terms } from "../src/domain/clearing/messages-rules.ts";
import { reserveAcross } from "../src/domain/clearing/orders.ts";
import { pack } from "../src/domain/clearing/packed.ts";
import type { Acting, Ctx } from "../src/domain/context.ts";
import { localHub } from "../src/domain/hubs/queries.ts";
import { organizationAccount, type PeerAccounts, peerAccounts } from "../src/domain/ledger/accounts.ts";
import { quoteFromPayee, rateOf } from "../src/domain/ledger/rules.ts";
import { transact } from "../src/domain/transact.ts";
import { createPen } from "../src/federation/clearing/pen.ts";
import { createKeyring } from "../src/federation/keyring.ts";
import { digestMultibase } from "../src/federation/proofs.ts";
import { makePeers } from "../tests/support/peers.ts";
import { each, organizationsOf } from "./exchange.ts";
import { openSite, type Site, vacuum } from "./hub.ts";

/** One of two hubs that settle with one another, each with a database of its own. */
export interface Side {
  site: Site;
  ctx: Ctx;
  /** How it knows the other hub, and the accounts that it has for it. */
  peerId: Id;
  peerActorId: Id;
  accounts: PeerAccounts;
  /** Iri of its own actor. */
  hub: string;
  members: {
    who: Acting;
    iri: string;
    handle: string;
    account: Id /** As the other hub knows it. */;
    there: Id;
  }[];
}

export interface Pair {
  payer: Side;
  payee: Side;
  close(): Promise<void>;
}

const MEMBERS = 20;
/** Minor units of the payee's hub: little enough to be held many times within the daily limit. */
const PRICE = 1n;
/** Seconds of an HOUR that either may owe: enough for whatever is settled here. */
const LIMIT = 10n ** 15n;

/** Two hubs that are peers, with organizations that have credit without end. No hub process runs yet. */
export async function openPair(profiles: string | undefined): Promise<Pair> {
  const sites = [await openSite(profiles), await openSite(profiles)] as const;
  const ids = await makePeers(sites[0], sites[1], { limit: LIMIT });
  const [payer, payee] = [await sideOf(sites[0], ids[0]), await sideOf(sites[1], ids[1])];
  for (const [here, other] of [
    [payer, payee],
    [payee, payer],
  ] as const)
    for (const member of here.members) member.there = await knownActor(other.ctx, member.iri, member.handle);
  return {
    payer,
    payee,
    async close() {
      await Promise.all(sites.map((site) => site.close()));
    },
  };
}

async function sideOf(site: Site, peerId: Id): Promise<Side> {
  const { ctx } = site;
  const members: Side["members"] = [];
  for (const who of await organizationsOf(ctx, site.admin, MEMBERS)) {
    const { iri, handle } = await actorById(ctx, who.actorId);
    members.push({ who, iri, handle, account: await organizationAccount(ctx, who.actorId), there: 0n });
  }
  const [row] = await site.sql<
    { actor_id: string }[]
  >`select actor_id from peers where id = ${String(peerId)}`;
  const peerActorId = BigInt(row?.actor_id ?? 0);
  const { iri } = await actorById(ctx, (await localHub(ctx)).actorId);
  return {
    ...{ site, ctx, peerId, peerActorId, members, hub: iri },
    accounts: await transact(ctx, (ctx) => peerAccounts(ctx, peerActorId)),
  };
}

function knownActor(ctx: Ctx, iri: string, handle: string): Promise<Id> {
  const { origin, host } = new URL(iri);
  return saveRemoteActor(ctx, {
    ...{ iri, handle, host, kind: "Organization", name: handle, summary: "", url: origin, avatar: null },
    ...{ inbox: `${origin}/inbox`, sharedInbox: `${origin}/inbox`, outbox: null, followers: null },
    ...{ following: null, locked: false, discoverable: false, published: null },
  });
}

// ── Agreements ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** An agreement that both hubs know and both organizations have consented to, and the hold for it. */
export interface Deal {
  transferId: Id;
  agreement: string;
  /** On the payer's hub. */
  agreementId: Id;
  payer: Acting;
  evidence: { offer: string; accept: string };
}

/** Writes agreements as their commands would have, the holds by the real order; the promises are not asked for yet. */
export async function agree({ payer, payee }: Pair, count: number): Promise<Deal[]> {
  const quote = await quoteOf(payer.ctx, payee.ctx);
  const deals: Deal[] = [];
  await each(count, async (n) => {
    const [from, to] = [payer.members[n % MEMBERS]!, payee.members[(n * 7) % MEMBERS]!];
    const [id, agreementId] = [await payee.ctx.ids.next(), await payer.ctx.ids.next()];
    const agreement = `${payee.ctx.hub.origin}/agreements/${id}`;
    const evidence = {
      offer: digestMultibase({ offer: agreement }),
      accept: digestMultibase({ accept: agreement }),
    };
    const names = { payer: from.iri, payee: to.iri, agreement, quote, accountId: null };
    const { transferId, iri } = await transact(payer.ctx, async (ctx) => {
      const order = { peerId: payer.peerId, payerId: from.account, agreementId, ...names };
      const held = await reserveAcross(ctx, order);
      await agreementRow(ctx, payer.peerId, {
        ...{ id: agreementId, iri: agreement, providerId: to.there, receiverId: from.who.actorId },
        ...{
          amount: quote.payer,
          quote: pack({ ...quote, transfer: held.iri }),
          transferId: held.transferId,
        },
        ...evidence,
      });
      return held;
    });
    await transact(payee.ctx, (ctx) =>
      agreementRow(ctx, payee.peerId, {
        ...{ id, iri: agreement, providerId: to.who.actorId, receiverId: from.there, amount: quote.payee },
        ...{ quote: pack({ ...quote, transfer: iri }), transferId: null, ...evidence },
      }),
    );
    deals.push({ transferId, agreement, agreementId, payer: from.who, evidence });
  });
  return deals;
}

async function quoteOf(payer: Ctx, payee: Ctx): Promise<Quote> {
  const [payerRate, payeeRate] = [rateOf(await localHub(payer)), rateOf(await localHub(payee))];
  const { seconds, paid } = quoteFromPayee(PRICE, payeeRate, payerRate);
  const until = new Date(Date.now() + 7 * 86_400_000);
  return { payer: paid, payee: PRICE, seconds, payerRate, payeeRate, until };
}

async function agreementRow(
  ctx: Ctx,
  peerId: Id,
  row: {
    id: Id;
    iri: string;
    providerId: Id;
    receiverId: Id;
    amount: bigint;
    quote: string;
    transferId: Id | null;
    offer: string;
    accept: string;
  },
): Promise<void> {
  const { id, iri, offer, accept, providerId, receiverId, amount, quote, transferId } = row;
  const now = ctx.clock.now();
  const proposalId = await ctx.ids.next(now);
  const proposal = `${new URL(iri).origin}/proposals/of-${id}`;
  await ctx.db.insert(proposals).values({
    ...{ id: proposalId, iri: proposal, url: proposal, actorId: providerId, published: now },
    ...{
      local: transferId === null,
      purpose: "offer",
      name: "Invented",
      content: "Nothing of this happens.",
    },
    ...{ unit: "hour", settlement: "credit", committed: 1 },
  });
  await ctx.db.insert(agreements).values({
    ...{ id, iri, proposalId, proposalRevision: 1, settlement: "credit", providerId, receiverId },
    ...{ proposer: "provider", offeredBy: "receiver", state: "accepted", quantity: 1, unit: "hour" },
    ...{ amount, peerId, quote, transferId, created: now, accepted: now, answered: now, changed: now },
  });
  const step = { agreementId: id, created: now, proof: "verified" as const, body: "{}", key: "z" };
  await ctx.db.insert(agreementSteps).values([
    {
      ...{ ...step, id: await ctx.ids.next(now), message: "offer", party: "receiver", state: "offered" },
      ...{ digest: offer, activity: `${iri}#offer` },
    },
    {
      ...{ ...step, id: await ctx.ids.next(now), message: "accept", party: "provider", state: "accepted" },
      ...{ digest: accept, activity: `${iri}#accept` },
    },
  ]);
}

// ── Logs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** One settlement of the past, as both hubs signed it. */
interface Settled {
  id: string;
  iri: string;
  member: number;
  digest: string;
  prev: string;
  body: string;
  terms: string;
  request: string;
  requestDigest: string;
  promise: string;
  promiseDigest: string;
}

type Head = { seq: bigint; cumulative: bigint; digest: string };

/** When the past begins (milliseconds), and how long after it each settlement came. */
const PAST = Date.now() - 400 * 86_400_000;
const EVERY = 30;

/**
 * Brings the log from payer to payee to so many entries, in bulk, with their transfers and the four lines of each in both ledgers: the
 * guards are off for these sessions and what they would have written is computed. Everything has the size that it really has, but of all
 * entries only the last is signed: the others carry its texts. The checkers go over all of it in the end. No hub process may run.
 */
export async function fillLogs(pair: Pair, entries: number): Promise<void> {
  const head = await headOf(pair.payee);
  const count = entries - Number(head.seq);
  if (count <= 0) return;
  const quote = await quoteOf(pair.payer.ctx, pair.payee.ctx);
  const before = {
    seq: head.seq + BigInt(count) - 1n,
    cumulative: head.cumulative + quote.seconds * BigInt(count - 1),
    digest: count === 1 ? head.digest : inventedDigest(head.seq + BigInt(count) - 1n),
  };
  const [last] = await signed(pair, before, 1);
  if (last === undefined) throw new Error("Nothing was signed.");
  const make = async (side: Side) => {
    const { sql, port } = side.site;
    await sql.begin(async (tx) => {
      await tx`set local session_replication_role = replica`;
      await tx`set local statement_timeout = 0`;
      await tx`set local synchronous_commit = off`;
      await tx`
        create temporary table filling on commit drop as
        select n as seq, id, ${pair.payer.ctx.hub.origin} || '/transfers/' || id as iri, (n % ${MEMBERS})::int as member,
          case when n = ${String(last.seq)}::bigint then ${last.digest} else ${PREFIX} || translate(md5(n::text), '0', 'g') || ${SUFFIX} end as digest,
          case when n = ${String(head.seq + 1n)}::bigint then ${head.digest}
            else ${PREFIX} || translate(md5((n - 1)::text), '0', 'g') || ${SUFFIX} end as prev
        from (
          select n, (${String(PAST)}::bigint + n * ${EVERY}::int) << 16 | (n & 65535) as id
          from generate_series(${String(head.seq + 1n)}::bigint, ${String(last.seq)}::bigint) as n
        ) numbered`;
      await writePast(tx, pair, side, quote, { ...last, cumulative: head.cumulative, from: head.seq });
    });
    process.stderr.write(`  ${count.toLocaleString("en")} settlements written on port ${port}\n`);
    await vacuum(sql);
  };
  await Promise.all([make(pair.payer), make(pair.payee)]);
}

/** Settlements that are really signed, which the payee's hub has and the payer's has forgotten. */
export async function forget(pair: Pair, count: number): Promise<void> {
  const { payee } = pair;
  let head = await headOf(payee);
  const quote = await quoteOf(pair.payer.ctx, payee.ctx);
  for (let done = 0; done < count; done += 1_000) {
    const batch = await signed(pair, head, Math.min(1_000, count - done));
    await payee.site.sql.begin(async (tx) => {
      await tx`set local session_replication_role = replica`;
      await tx`
        create temporary table filling on commit drop as
        select * from json_to_recordset(${JSON.stringify(batch.map((one) => ({ ...one, seq: String(one.seq), cumulative: undefined })))}::text::json) as given (
          seq bigint, id bigint, iri text, member int, digest text, prev text, body text, terms text, request text,
          "requestDigest" text, promise text, "promiseDigest" text)`;
      await writePast(tx, pair, payee, quote, { cumulative: head.cumulative, from: head.seq });
    });
    head = batch.at(-1)!;
  }
  await vacuum(payee.site.sql);
}

const [PREFIX, SUFFIX] = ["zQm", "1".repeat(12)];

/** Of the form that digests have. */
function inventedDigest(seq: bigint): string {
  return `${PREFIX}${createHash("md5").update(String(seq)).digest("hex").replaceAll("0", "g")}${SUFFIX}`;
}

async function headOf({ site, peerId }: Side): Promise<Head> {
  const [row] = await site.sql<{ in_seq: string; in_cumulative: string; in_digest: string }[]>`
    select in_seq, in_cumulative, in_digest from clearing_links where peer_id = ${String(peerId)}`;
  return {
    seq: BigInt(row?.in_seq ?? 0),
    cumulative: BigInt(row?.in_cumulative ?? 0),
    digest: row?.in_digest ?? "",
  };
}

async function signed({ payer, payee }: Pair, head: Head, count: number): Promise<(Settled & Head)[]> {
  const quote = await quoteOf(payer.ctx, payee.ctx);
  const penOf = async ({ ctx, hub }: Side, peer: string) =>
    createPen({
      hub,
      peer,
      now: ctx.clock.now,
      key: await createKeyring(ctx).ed25519((await localHub(ctx)).actorId),
    });
  const [paying, paid] = [await penOf(payer, payee.hub), await penOf(payee, payer.hub)];
  const settled: (Settled & Head)[] = [];
  for (let n = 0; n < count; n++) {
    const seq = head.seq + 1n;
    const member = Number(seq % BigInt(MEMBERS));
    const id = idAt(new Date(PAST + Number(seq) * EVERY), seq);
    const [from, to] = [payer.members[member]!, payee.members[member]!];
    const iri = `${payer.ctx.hub.origin}/transfers/${id}`;
    const agreement = `${payee.ctx.hub.origin}/agreements/of-${id}`;
    const evidence = { offer: inventedDigest(seq), accept: inventedDigest(-seq) };
    const terms: Terms = { iri, payer: from.iri, payee: to.iri, agreement, quote, evidence };
    const request = paying.request(terms);
    const promise = paid.promise(request);
    const entry = paying.entry({
      ...{ transfer: iri, payer: from.iri, payee: to.iri, agreement, seq, prev: head.digest },
      ...{ amounts: { payer: quote.payer, payee: quote.payee, seconds: quote.seconds } },
      ...{ cumulative: head.cumulative + quote.seconds, promise: promise.digest, confirm: "auto" },
    });
    settled.push({
      ...{
        id: String(id),
        iri,
        member,
        seq,
        cumulative: entry.cumulative,
        prev: head.digest,
        digest: entry.digest,
      },
      ...{ body: entry.body, terms: pack(terms), request: request.body, requestDigest: request.digest },
      ...{ promise: promise.body, promiseDigest: promise.digest },
    });
    head = { seq, cumulative: entry.cumulative, digest: entry.digest };
  }
  return settled;
}

type Tx = Parameters<Parameters<Site["sql"]["begin"]>[1]>[0];

/**
 * What is in the table `filling` becomes settled transfers of one hub.
 *
 * @param texts of all of them; without: each has its own
 */
async function writePast(
  tx: Tx,
  { payer, payee }: Pair,
  side: Side,
  quote: Quote,
  { cumulative, from, ...texts }: { cumulative: bigint; from: bigint } & Partial<Settled>,
): Promise<void> {
  const pays = side === payer;
  const peer = String(side.peerId);
  const amount = String(pays ? quote.payer : quote.payee);
  const seconds = String(quote.seconds);
  const members = (pays ? payer : payee).members.map(({ account }) => String(account));
  const { credit, seconds: hours, clearing } = side.accounts;
  const text = (name: keyof Settled) => {
    const all = texts[name];
    return all === undefined ? tx(name) : tx`${all}`;
  };
  await tx`alter table filling add column member_id bigint, add column at timestamptz`;
  await tx`update filling set member_id = (${members}::bigint[])[member + 1], at = to_timestamp((id >> 16) / 1000.0)`;
  await tx`
    insert into transfers (id, iri, kind, state, payer_id, payee_id, amount, settled, decision, created, decided)
    select id, iri, 'agreement', 'committed', ${pays ? tx`member_id` : tx`${String(credit)}::bigint`},
      ${pays ? tx`${String(credit)}::bigint` : tx`member_id`}, ${amount}::bigint, ${amount}::bigint, 'auto', at, at from filling`;
  await tx`
    insert into clearing_transfers (iri, peer_id, side, state, transfer_id, terms, seconds, request, digest, promise, promise_digest, seq, created, decided)
    select iri, ${peer}::bigint, ${pays ? "payer" : "payee"}, ${pays ? "committed" : "settled"}, id, ${text("terms")}, ${seconds}::bigint,
      ${text("request")}, ${text("requestDigest")}, ${text("promise")}, ${text("promiseDigest")}, seq, at, at from filling`;
  await tx`
    insert into clearing_entries (peer_id, direction, seq, transfer, seconds, cumulative, digest, prev, body, created)
    select ${peer}::bigint, ${pays ? "out" : "in"}, seq, iri, ${seconds}::bigint,
      ${String(cumulative)}::bigint + (seq - ${String(from)}::bigint) * ${seconds}::bigint, digest, prev, ${text("body")}, at from filling`;
  const owed = pays ? 1 : -1;
  await tx`
    with line as (
      select id, 1 as low, member_id as account_id, 'credit' as unit, ${-owed} * ${amount}::bigint as amount, at from filling
      union all select id, 2, ${String(credit)}::bigint, 'credit', ${owed} * ${amount}::bigint, at from filling
      union all select id, 3, ${String(hours)}::bigint, 'hour-second', ${-owed} * ${seconds}::bigint, at from filling
      union all select id, 4, ${String(clearing)}::bigint, 'hour-second', ${owed} * ${seconds}::bigint, at from filling
    )
    insert into entries (id, transfer_id, account_id, unit, amount, seq, balance, created)
    select (line.id & ~65535::bigint) | line.low, line.id, line.account_id, line.unit, line.amount,
      account.entries + row_number() over mine, account.posted + sum(line.amount) over mine, line.at
    from line join ledger_accounts account on account.id = line.account_id
    window mine as (partition by line.account_id order by line.id rows unbounded preceding)`;
  await tx`
    update ledger_accounts account set posted = last.balance, entries = last.seq
    from (select distinct on (account_id) account_id, seq, balance from entries
      where account_id in (select unnest(${[...members, credit, hours, clearing].map(String)}::bigint[])) order by account_id, seq desc) last
    where last.account_id = account.id`;
  const heads = tx`(select max(seq) from filling)`;
  await (pays
    ? tx`update clearing_links set out_seq = e.seq, out_cumulative = e.cumulative, out_digest = e.digest, acked_seq = e.seq, acked_cumulative = e.cumulative
         from clearing_entries e where e.peer_id = ${peer}::bigint and e.direction = 'out' and e.seq = ${heads} and clearing_links.peer_id = ${peer}::bigint`
    : tx`update clearing_links set in_seq = e.seq, in_cumulative = e.cumulative, in_digest = e.digest
         from clearing_entries e where e.peer_id = ${peer}::bigint and e.direction = 'in' and e.seq = ${heads} and clearing_links.peer_id = ${peer}::bigint`);
}
