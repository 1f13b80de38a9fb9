import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import type { Database, Db } from "../../src/db/client.ts";
import { createIds, type Id } from "../../src/db/ids.ts";
import { agreementSteps, agreements } from "../../src/db/schema/agreements.ts";
import { clearingInbox } from "../../src/db/schema/clearing.ts";
import { proposals } from "../../src/db/schema/proposals.ts";
import { saveRemoteActor } from "../../src/domain/actors/commands.ts";
import { actorById } from "../../src/domain/actors/queries.ts";
import type { Quote } from "../../src/domain/clearing/messages-rules.ts";
import { askAcross, orderCommit, reserveAcross } from "../../src/domain/clearing/orders.ts";
import { pack } from "../../src/domain/clearing/packed.ts";
import { beginSession, type Worked, work } from "../../src/domain/clearing/work.ts";
import type { Acting, Ctx } from "../../src/domain/context.ts";
import { setUpHub } from "../../src/domain/hubs/commands.ts";
import { localHub } from "../../src/domain/hubs/queries.ts";
import { organizationAccount } from "../../src/domain/ledger/accounts.ts";
import { checkLedger, type Finding } from "../../src/domain/ledger/check.ts";
import { quoteFromPayee, rateOf } from "../../src/domain/ledger/rules.ts";
import { transact } from "../../src/domain/transact.ts";
import { seal } from "../../src/federation/clearing/envelope.ts";
import { nonce } from "../../src/federation/clearing/pen.ts";
import { createWire, type HubWire } from "../../src/federation/clearing/wire.ts";
import { createConsents } from "../../src/federation/consents.ts";
import { createKeyring } from "../../src/federation/keyring.ts";
import { digestMultibase } from "../../src/federation/proofs.ts";
import { createFiles } from "../../src/files.ts";
import { createVault } from "../../src/vault.ts";
import { testDatabase } from "./database.ts";
import { organizations } from "./exchange.ts";
import { makePeers } from "./peers.ts";

/** One of two hubs of a test: a database, and the session of its deciding process with the other one. */
export interface ClearingHub {
  ctx: Ctx;
  database: Database;
  admin: Acting;
  wire: HubWire;
  /** How it knows the other hub. */
  peerId: Id;
  nonce: string;
  /** What it last said, and what it has not dropped on the way yet. */
  members: Acting[];
}

export interface ClearingScene {
  a: ClearingHub;
  b: ClearingHub;
  /** Both hubs' clock goes on. */
  advance(milliseconds: number): void;
  now(): Date;
}

const nobody = () => Promise.reject(new Error("no other server is asked here"));
const VAULT = createVault("a secret of the tests and of nothing else");

export function clearingContext(
  database: Database,
  origin: string,
  now: () => Date,
  db: Db = database.db,
): Ctx {
  return {
    ...{ db, clock: { now }, ids: createIds(database.sql, now), vault: VAULT },
    hub: { origin, host: new URL(origin).host },
    remote: { resolveActor: nobody, resolveHub: nobody },
    files: createFiles(join(tmpdir(), `ayni-files-${process.pid}`)),
    consents: createConsents(origin, createKeyring({ db: database.db, vault: VAULT })),
  };
}

/**
 * Two hubs in two databases, active peers, each with organizations that have credit, and hands shaken. Nothing travels between them but
 * what a test carries.
 *
 * @param limit seconds of an HOUR: what each may owe the other
 */
export async function clearingScene({
  limit,
  members = 1,
  credit = 100_000n,
}: {
  limit?: bigint;
  members?: number;
  credit?: bigint;
} = {}): Promise<ClearingScene> {
  let ahead = 0;
  const now = () => new Date(Date.now() + ahead);
  const make = async (name: string) => {
    const database = await testDatabase();
    const ctx = clearingContext(database, `https://${name}.example`, now);
    const admin = await setUpHub(ctx, {
      ...{ name: `Red ${name}`, locale: "es", currencyName: "Ayni", currencySymbol: "₳" },
      admin: { handle: "ana", name: "Ana", email: "ana@example.org", password: "una frase muy larga" },
    });
    const wire = await createWire(ctx, createKeyring({ db: database.db, vault: VAULT }));
    const crowd = await organizations(ctx, admin, members, credit, name);
    return { ctx, database, admin, wire, peerId: 0n, nonce: "", members: crowd };
  };
  const [a, b] = [await make("lac"), await make("mena")];
  [a.peerId, b.peerId] = await makePeers(a, b, limit === undefined ? {} : { limit });
  await restart(a);
  await restart(b);
  const scene: ClearingScene = {
    a,
    b,
    now,
    advance(milliseconds) {
      ahead += milliseconds;
    },
  };
  await carry(scene);
  return scene;
}

/** The deciding process begins anew. */
export async function restart(hub: ClearingHub): Promise<void> {
  hub.nonce = nonce();
  await beginSession(hub.ctx, hub.peerId, hub.nonce);
}

/** One round of a hub, and the envelopes that it would post. */
export async function round(
  hub: ClearingHub,
  other: ClearingHub,
  ctx = hub.ctx,
): Promise<{ worked: Worked; bodies: string[] }> {
  const worked = await work(ctx, hub.peerId, hub.nonce, hub.wire);
  hub.nonce = worked.nonce;
  if (worked.messages.length === 0) return { worked, bodies: [] };
  const head = {
    ...{ sender: hub.wire.hub, receiver: other.wire.hub, published: ctx.clock.now() },
    ...{ session: worked.session, state: worked.state as "active" },
  };
  return { worked, bodies: seal(head, worked.messages, hub.wire.key) };
}

/** What a hub's door does with proven envelopes. */
export async function deliver(hub: ClearingHub, ...bodies: string[]): Promise<void> {
  for (const body of bodies)
    await hub.ctx.db
      .insert(clearingInbox)
      .values({ peerId: hub.peerId, body, received: hub.ctx.clock.now() });
}

/** What becomes of an envelope on its way: as often as it is in the answer, it arrives. */
export type Road = (body: string, to: ClearingHub) => readonly string[];

/** Lets both hubs work and carries what they say, until neither has anything to say at this time. Returns how many rounds it took. */
export async function carry(
  { a, b }: ClearingScene,
  road: Road = (body) => [body],
): Promise<{ rounds: number; failures: unknown[] }> {
  const failures: unknown[] = [];
  for (let rounds = 1; rounds < 500; rounds++) {
    let quiet = true;
    for (const [hub, other] of [
      [a, b],
      [b, a],
    ] as const) {
      const { worked, bodies } = await round(hub, other);
      failures.push(...worked.failures);
      if (bodies.length > 0 || worked.more) quiet = false;
      for (const body of bodies) await deliver(other, ...road(body, other));
    }
    if (quiet) return { rounds, failures };
  }
  throw new Error("They never come to an end.");
}

/** Lets time go by and carries, until nothing open waits for an answer. */
export async function converge(scene: ClearingScene, times = 8): Promise<void> {
  for (let time = 0; time < times; time++) {
    await carry(scene);
    scene.advance(40_000);
  }
  await carry(scene);
}

/** An agreement as both hubs have it once both organizations have consented, and the hold for it. */
export interface Deal {
  payer: ClearingHub;
  payee: ClearingHub;
  iri: string;
  /** The hold on the payer's ledger, and the agreements of both. */
  transferId: Id;
  payerAgreement: Id;
  payeeAgreement: Id;
  quote: Quote;
}

/**
 * Both consent: rows on both sides as their commands would have written them, with the hold; the promise is ordered.
 *
 * @param price minor units of the payee's hub
 */
export async function agree(
  payer: ClearingHub,
  payee: ClearingHub,
  price: bigint,
  { from = 0, to = 0, asks = true }: { from?: number; to?: number; asks?: boolean } = {},
): Promise<Deal> {
  const [payerRate, payeeRate] = [rateOf(await localHub(payer.ctx)), rateOf(await localHub(payee.ctx))];
  const { seconds, paid } = quoteFromPayee(price, payeeRate, payerRate);
  const until = new Date(payer.ctx.clock.now().getTime() + 7 * 86_400_000);
  const quote: Quote = { payer: paid, payee: price, seconds, payerRate, payeeRate, until };
  const [who, whom] = [payer.members[from]!, payee.members[to]!];
  const [payerActor, payeeActor] = [
    await actorById(payer.ctx, who.actorId),
    await actorById(payee.ctx, whom.actorId),
  ];
  const agreementId = await payee.ctx.ids.next();
  const agreement = `${payee.ctx.hub.origin}/agreements/${agreementId}`;
  const payerAgreement = await payer.ctx.ids.next();
  const { transferId, iri } = await transact(payer.ctx, async (ctx) => {
    const made = await reserveAcross(ctx, {
      ...{
        peerId: payer.peerId,
        payerId: await organizationAccount(ctx, who.actorId),
        agreementId: payerAgreement,
      },
      ...{ payer: payerActor.iri, payee: payeeActor.iri, agreement, quote, accountId: null },
    });
    const remote = await knownActor(ctx, payeeActor.iri, payeeActor.handle);
    await agreementRow(ctx, {
      ...{
        id: payerAgreement,
        iri: agreement,
        provider: remote,
        receiver: who.actorId,
        peerId: payer.peerId,
      },
      ...{ amount: paid, quote, transfer: made.iri, transferId: made.transferId },
    });
    return made;
  });
  await transact(payee.ctx, async (ctx) => {
    const remote = await knownActor(ctx, payerActor.iri, payerActor.handle);
    await agreementRow(ctx, {
      ...{ id: agreementId, iri: agreement, provider: whom.actorId, receiver: remote, peerId: payee.peerId },
      ...{ amount: price, quote, transfer: iri, transferId: null },
    });
  });
  const deal: Deal = { payer, payee, iri, transferId, payerAgreement, payeeAgreement: agreementId, quote };
  if (asks) await ask(deal);
  return deal;
}

/** Both consents are there: the promise is asked for. */
export function ask({ payer, payee, transferId, payeeAgreement }: Deal): Promise<void> {
  const agreement = `${payee.ctx.hub.origin}/agreements/${payeeAgreement}`;
  const evidence = {
    offer: someDigest("offer", payeeAgreement),
    accept: someDigest("accept", payeeAgreement),
  };
  return transact(payer.ctx, (ctx) => askAcross(ctx, transferId, { agreement, evidence }));
}

/** The payer confirms: all of it, or so much. */
export function pay({ payer, transferId, quote }: Deal, amount = quote.payer): Promise<void> {
  return transact(payer.ctx, (ctx) =>
    orderCommit(ctx, transferId, {
      payer: amount,
      confirm: someDigest("confirm", transferId),
      decision: "confirm",
      accountId: null,
    }),
  );
}

/** As of something signed, which has the form that documents must have. */
const someDigest = (what: string, id: Id | string) => digestMultibase({ [what]: `${id}` });

async function knownActor(ctx: Ctx, iri: string, handle: string): Promise<Id> {
  const { origin, host } = new URL(iri);
  return saveRemoteActor(ctx, {
    ...{ iri, handle, host, kind: "Organization", name: handle, summary: "", url: origin, avatar: null },
    ...{ inbox: `${iri}/inbox`, sharedInbox: null, outbox: null, followers: null, following: null },
    ...{ locked: false, discoverable: false, published: null },
  });
}

async function agreementRow(
  ctx: Ctx,
  row: {
    id: Id;
    iri: string;
    provider: Id;
    receiver: Id;
    peerId: Id;
    amount: bigint;
    quote: Quote;
    transfer: string;
    transferId: Id | null;
  },
): Promise<void> {
  const now = ctx.clock.now();
  const proposalId = await ctx.ids.next(now);
  const proposalIri = `${new URL(row.iri).origin}/proposals/${row.id}`;
  await ctx.db.insert(proposals).values({
    ...{ id: proposalId, iri: proposalIri, url: proposalIri, actorId: row.provider, published: now },
    ...{ local: row.transferId === null, purpose: "offer", name: "Taller", content: "<p>Taller</p>" },
    ...{ unit: "hour", settlement: "credit", committed: 1 },
  });
  await ctx.db.insert(agreements).values({
    ...{ id: row.id, iri: row.iri, proposalId, proposalRevision: 1, settlement: "credit" },
    ...{ providerId: row.provider, receiverId: row.receiver, proposer: "provider", offeredBy: "receiver" },
    ...{ state: "accepted", quantity: 1, unit: "hour", amount: row.amount, peerId: row.peerId },
    quote: pack({ ...row.quote, transfer: row.transfer }),
    transferId: row.transferId,
    ...{ created: now, accepted: now, answered: now, changed: now },
  });
  const own = row.iri.slice(row.iri.lastIndexOf("/") + 1);
  for (const [message, party, digest] of [
    ["offer", "receiver", someDigest("offer", own)],
    ["accept", "provider", someDigest("accept", own)],
  ] as const)
    await ctx.db.insert(agreementSteps).values({
      ...{ id: await ctx.ids.next(now), agreementId: row.id, message, party, digest, created: now },
      ...{ state: message === "offer" ? "offered" : "accepted", proof: "verified" },
      ...{ activity: `${row.iri}#${message}`, body: "{}", key: "z" },
    });
}

/** What a hub's books say of its peer, and what is wrong with them. */
export async function books(hub: ClearingHub) {
  const [row] = await hub.ctx.db.execute<Record<string, string>>(sql`
    select p.state, l.ready, l.out_seq, l.out_cumulative, l.in_seq, l.in_cumulative, l.acked_seq, l.prepared, l.prepared_count,
      (select posted from ledger_accounts where kind = 'clearing' and actor_id = p.actor_id) as clearing,
      (select count(*) from clearing_transfers where state in ('reserved', 'prepared')) as open
    from clearing_links l join peers p on p.id = l.peer_id`);
  return Object.assign(row ?? {}, { findings: await checkLedger(hub.ctx) }) as Record<string, string> & {
    findings: Finding[];
  };
}

/** What becomes of a transfer, on one hub. */
export async function stateOf(hub: ClearingHub, iri: string): Promise<string | null> {
  const [row] = await hub.ctx.db.execute<{ state: string; reason: string | null }>(
    sql`select state, reason from clearing_transfers where iri = ${iri}`,
  );
  if (row === undefined) return null;
  return row.reason === null ? row.state : `${row.state}: ${row.reason}`;
}

/** A member's balance and holds. */
export async function balance(hub: ClearingHub, member = 0): Promise<{ posted: bigint; held: bigint }> {
  const id = await organizationAccount(hub.ctx, hub.members[member]!.actorId);
  const [row] = await hub.ctx.db.execute<{ posted: string; held: string }>(
    sql`select posted, held from ledger_accounts where id = ${id}::bigint`,
  );
  return { posted: BigInt(row?.posted ?? 0), held: BigInt(row?.held ?? 0) };
}
