import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { eq } from "drizzle-orm";
import { expect, test } from "vitest";
import { statementReport } from "../../src/commands/ledger.ts";
import { clearingEntries, clearingLinks } from "../../src/db/schema/clearing.ts";
import { peers } from "../../src/db/schema/peers.ts";
import { retireKey } from "../../src/domain/actors/keys.ts";
import { actorById } from "../../src/domain/actors/queries.ts";
import type { Amounts, LedgerEntry } from "../../src/domain/clearing/messages-rules.ts";
import type { Ctx } from "../../src/domain/context.ts";
import { localHub } from "../../src/domain/hubs/queries.ts";
import { findPeer } from "../../src/domain/peers/queries.ts";
import { createPen } from "../../src/federation/clearing/pen.ts";
import {
  checkStatement,
  isQuery,
  writeQuery,
  writeStatement,
} from "../../src/federation/clearing/statement.ts";
import { createKeyring } from "../../src/federation/keyring.ts";
import { encodeMultikey, type JsonObject, proveCanonical } from "../../src/federation/proofs.ts";
import { startHubs } from "../support/hub.ts";
import { makePeers } from "../support/peers.ts";

async function signer(ctx: Ctx) {
  const { actorId } = await localHub(ctx);
  const { iri: hub } = await actorById(ctx, actorId);
  return { hub, key: await createKeyring(ctx).ed25519(actorId) };
}

const AMOUNTS: Amounts = { payer: 100n, payee: 100n, seconds: 3_600n };
const DIGEST = "zQmTy5ZYSWgpRCGZr6HU6Cbm5hWcPFLpjGN4Ty2n6NoQqPU";

/** Two hubs with logs of 3 entries one way and 2 the other, written by the pens that write real ones. */
async function scene() {
  const [a, b] = await startHubs(2);
  const [peerId, backId] = await makePeers(a!, b!);
  const [ours, theirs] = [await signer(a!.ctx), await signer(b!.ctx)];
  const now = () => new Date();
  const pens = {
    out: createPen({ ...ours, peer: theirs.hub, now }),
    in: createPen({ ...theirs, peer: ours.hub, now }),
  };
  const heads: Record<"out" | "in", LedgerEntry | null> = { out: null, in: null };
  for (const [direction, count] of [
    ["out", 3],
    ["in", 2],
  ] as const) {
    for (let n = 1; n <= count; n++) {
      const entry = pens[direction].entry({
        seq: BigInt(n),
        prev: heads[direction]?.digest ?? "",
        transfer: `${direction === "out" ? a!.origin : b!.origin}/transfers/${n}`,
        payer: `${a!.origin}/actors/1`,
        payee: `${b!.origin}/actors/2`,
        agreement: `${a!.origin}/agreements/${n}`,
        amounts: AMOUNTS,
        cumulative: BigInt(n) * 3_600n,
        promise: DIGEST,
        confirm: "auto",
      });
      heads[direction] = entry;
      const { seq, transfer, cumulative, digest, prev, body } = entry;
      await a!.ctx.db.insert(clearingEntries).values({
        ...{ peerId, direction, seq, transfer, cumulative, digest, prev, body },
        seconds: 3_600n,
        created: now(),
      });
    }
  }
  const checkpoint = pens.in.checkpoint(heads.out!);
  await a!.ctx.db
    .update(clearingLinks)
    .set({
      ...{ outSeq: 3n, outCumulative: 10_800n, outDigest: heads.out!.digest },
      ...{ inSeq: 2n, inCumulative: 7_200n, inDigest: heads.in!.digest },
      ...{ ackedSeq: 3n, ackedCumulative: 10_800n, checkpoint: checkpoint.body },
    })
    .where(eq(clearingLinks.peerId, peerId));
  const peer = (await findPeer(a!.ctx, peerId))!;
  return { a: a!, b: b!, peer, back: (await findPeer(b!.ctx, backId))!, ours, theirs };
}

test("a statement proves by itself who owes whom what, and any byte that is changed makes it fail", async () => {
  const { a, peer, ours, theirs } = await scene();
  const text = await writeStatement(a.ctx, peer, ours);
  const { statement, problems } = checkStatement(text);
  expect(problems).toEqual([]);
  expect(statement).toMatchObject({ net: 3_600n, writer: ours.hub, reader: theirs.hub, open: 0 });
  const report = statementReport(`${text}\n`);
  expect(report.proven).toBe(true);
  expect(report.lines.join("\n")).toContain(`${ours.hub} owes ${theirs.hub} 1 h.`);

  const bytes = Buffer.from(text);
  // Every place once; what it becomes differs from place to place.
  let failed = 0;
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at] = changed[at]! ^ (1 + (at % 127));
    if (!statementReport(changed.toString("latin1")).proven) failed++;
  }
  expect(failed).toBe(bytes.length);
  for (const other of [text.slice(0, -1), ` ${text}`, `${text}x`, `${text}\n\n`, "", "{}", "[]", "null"])
    expect(statementReport(other).proven).toBe(false);
}, 120_000);

test("when both hubs have new keys, what was signed with the old ones is still proven, and with no other", async () => {
  const { a, peer, ours, theirs } = await scene();
  const { actorId } = await localHub(a.ctx);
  const multikey = ({ privateKey }: { privateKey: KeyObject }) => encodeMultikey(createPublicKey(privateKey));
  const [old, fresh] = [multikey(ours.key), generateKeyPairSync("ed25519")];
  await retireKey(a.ctx, actorId, { fragment: "before", publicKey: old, retired: a.ctx.clock.now() });
  const theirFresh = encodeMultikey(generateKeyPairSync("ed25519").publicKey);
  await a.ctx.db.update(peers).set({ key: theirFresh }).where(eq(peers.id, peer.id));
  const key = { id: ours.key.id, privateKey: fresh.privateKey };
  const now = (await findPeer(a.ctx, peer.id))!;

  const text = await writeStatement(a.ctx, now, { hub: ours.hub, key });
  const { statement, problems } = checkStatement(text);
  expect(problems).toEqual([]);
  expect(statement?.keys).toEqual({
    writer: [encodeMultikey(fresh.publicKey), old],
    reader: [theirFresh, multikey(theirs.key)],
  });
  expect(statementReport(text).lines).toContain(`  ${old}  before`);

  const { proof: _, ...bare } = JSON.parse(text) as {
    "ayni:keys": { writer: string[]; reader: string[] };
  } & JsonObject;
  for (const side of ["writer", "reader"] as const) {
    const named = { ...bare["ayni:keys"], [side]: bare["ayni:keys"][side].slice(0, 1) };
    const forged = proveCanonical({ ...bare, "ayni:keys": named }, key, new Date()).whole;
    expect(checkStatement(forged).problems.join()).toMatch(/not signed by it/);
  }
});

test("a writer cannot prove more than the other side signed", async () => {
  const { a, b, peer, back, ours, theirs } = await scene();
  const text = await writeStatement(a.ctx, peer, ours);
  // Signed anew by the writer, the sums are still not those of the peer's documents.
  type Statement = Record<string, unknown> & {
    "ayni:in": Record<string, unknown>;
    "ayni:out": Record<string, unknown>;
  };
  const forged = (change: (statement: Statement) => void) => {
    const { proof: _, ...bare } = JSON.parse(text) as Statement;
    change(bare as Statement);
    return checkStatement(proveCanonical(bare, ours.key, new Date()).whole).problems;
  };
  expect(forged(() => {})).toEqual([]);
  const wrong: [(statement: Statement) => void, RegExp][] = [
    [(s) => (s["ayni:net"] = "0"), /not the difference/],
    [(s) => (s["ayni:in"]["ayni:cumulative"] = "720000"), /sums are not those/],
    [(s) => (s["ayni:in"]["ayni:entry"] = s["ayni:out"]["ayni:entry"]), /between other hubs/],
    [(s) => (s["ayni:in"]["ayni:entry"] = null), /not signed by it/],
    [(s) => (s["ayni:out"]["ayni:checkpoint"] = s["ayni:in"]["ayni:checkpoint"]), /between other hubs/],
    [(s) => (s["ayni:out"]["ayni:acknowledged"] = "2"), /more is acknowledged/],
    [(s) => (s["ayni:out"]["ayni:checkpoint"] = null), /acknowledged is not signed/],
  ];
  for (const [change, told] of wrong) expect(forged(change).join()).toMatch(told);

  const now = b.ctx.clock.now();
  const query = writeQuery(ours, theirs.hub, now);
  expect(isQuery(query, back, theirs.hub, now)).toBe(true);
  expect(isQuery(query, back, ours.hub, now)).toBe(false);
  expect(isQuery(query, back, theirs.hub, new Date(now.getTime() + 6 * 60_000))).toBe(false);
  expect(isQuery(writeQuery(theirs, theirs.hub, now), back, theirs.hub, now)).toBe(false);
  expect(isQuery("{", back, theirs.hub, now)).toBe(false);
});
