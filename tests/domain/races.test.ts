import { spawn } from "node:child_process";
import { eq, sql } from "drizzle-orm";
import { expect, onTestFinished, test } from "vitest";
import type { Database } from "../../src/db/client.ts";
import type { Id } from "../../src/db/ids.ts";
import { agreements } from "../../src/db/schema/agreements.ts";
import { proposals } from "../../src/db/schema/proposals.ts";
import { acceptAgreement, deliverAgreement } from "../../src/domain/agreements/commands.ts";
import type { Acting, Ctx } from "../../src/domain/context.ts";
import { checkLedger } from "../../src/domain/ledger/check.ts";
import { balance } from "../../src/domain/ledger/queries.ts";
import { testDatabase } from "../support/database.ts";
import { answer, exchangeHub, organizations, publish } from "../support/exchange.ts";
import { bundledProcess } from "../support/exchange-bundle.ts";
import type { Intention, Scene } from "../support/intentions.ts";

const MANY = 50;

interface Outcome {
  ok?: string;
  code?: string;
}

/** Two processes on one database; what they are given is begun at once, by turns. */
async function twoProcesses(url: string) {
  const file = await bundledProcess();
  const waiting = new Map<number, (outcome: Outcome) => void>();
  const start = () => {
    const child = spawn(process.execPath, [file, url], { stdio: ["pipe", "pipe", "inherit"] });
    onTestFinished(() => void child.kill("SIGKILL"));
    let rest = "";
    const { promise, resolve } = Promise.withResolvers<void>();
    child.stdout.on("data", (chunk) => {
      const lines = `${rest}${chunk}`.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const { n, ...outcome } = JSON.parse(line) as { n: number } & Outcome;
        if (n < 0) resolve();
        else waiting.get(n)?.(outcome);
      }
    });
    return { child, ready: promise };
  };
  const processes = [start(), start()];
  await Promise.all(processes.map(({ ready }) => ready));
  let last = 0;
  return (tasks: { intention: Intention; scene: Partial<Scene> }[]): Promise<Outcome[]> =>
    Promise.all(
      tasks.map(({ intention, scene }) => {
        const n = ++last;
        const { promise, resolve } = Promise.withResolvers<Outcome>();
        waiting.set(n, resolve);
        const request = { n, intention, scene: { now: new Date().toISOString(), ...scene } };
        const line = JSON.stringify(request, (_, value) => (typeof value === "bigint" ? `${value}` : value));
        processes[n % 2]?.child.stdin.write(`${line}\n`);
        return promise;
      }),
    );
}

/** How many of each: `{ done: 1, over_available: 49 }`. */
function tally(outcomes: Outcome[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { code = "done" } of outcomes) counts[code] = (counts[code] ?? 0) + 1;
  return counts;
}

async function hub(): Promise<{ ctx: Ctx; admin: Acting; database: Database; provider: Acting }> {
  const database = await testDatabase();
  const { ctx, admin } = await exchangeHub(database);
  const [provider] = (await organizations(ctx, admin, 1, 0n, "provider")) as [Acting];
  return { ctx, admin, database, provider };
}

async function expectSound(ctx: Ctx): Promise<void> {
  expect(await checkLedger(ctx)).toEqual([]);
  const [row] = await ctx.db.execute<{ sum: string; posted: string }>(
    sql`select (select coalesce(sum(amount), 0) from entries) as sum, (select coalesce(sum(posted), 0) from ledger_accounts) as posted`,
  );
  expect(row).toEqual({ sum: "0", posted: "0" });
}

test("50 agreements are accepted at once for the last slot, in two processes: one gets it", async () => {
  const { ctx, admin, database, provider } = await hub();
  const proposalId = await publish(ctx, provider, { available: "1", price: "1" });
  const others = await organizations(ctx, admin, MANY, 100n);
  const offered: Id[] = [];
  for (const other of others) offered.push(await answer(ctx, other, proposalId));
  const race = await twoProcesses(database.url);
  const outcomes = await race(
    offered.map((agreementId) => ({ intention: "accept", scene: { provider, agreementId } })),
  );
  expect(tally(outcomes)).toEqual({ done: 1, over_available: MANY - 1 });
  const [row] = await ctx.db.select().from(proposals).where(eq(proposals.id, proposalId));
  expect(row?.committed).toBe(1);
  const funded = await ctx.db.select().from(agreements).where(eq(agreements.state, "funded"));
  expect(funded).toHaveLength(1);
  await expectSound(ctx);
});

test("50 spends of the same credit at once, in two processes: exactly those that it covers succeed", async () => {
  const { ctx, admin, database, provider } = await hub();
  const [receiver] = (await organizations(ctx, admin, 1, 750n, "receiver")) as [Acting];
  const proposalId = await publish(ctx, provider, { available: "1000", price: "1" });
  const race = await twoProcesses(database.url);
  const outcomes = await race(
    Array.from({ length: MANY }, () => ({ intention: "offer" as const, scene: { receiver, proposalId } })),
  );
  expect(tally(outcomes)).toEqual({ done: 7, insufficient_credit: MANY - 7 });
  const made = outcomes.flatMap(({ ok }) => (ok === undefined ? [] : [BigInt(ok)]));
  expect(await balance(ctx, receiver.actorId)).toMatchObject({ posted: 0n, held: 700n, available: 50n });

  // All of them are confirmed eight times over.
  for (const id of made) await acceptAgreement(ctx, provider, id);
  const confirmed = await race(
    made.flatMap((agreementId) =>
      Array.from({ length: 8 }, () => ({ intention: "confirm" as const, scene: { receiver, agreementId } })),
    ),
  );
  expect(tally(confirmed)).toEqual({ done: 7, not_now: 49 });
  expect(await balance(ctx, receiver.actorId)).toMatchObject({ posted: -700n, held: 0n });
  expect(await balance(ctx, provider.actorId)).toMatchObject({ posted: 700n });
  await expectSound(ctx);
});

test("the same idempotency key 50 times in two processes: one agreement, one answer; another request under it gets none", async () => {
  const { ctx, admin, database, provider } = await hub();
  const [receiver] = (await organizations(ctx, admin, 1, 4000n, "receiver")) as [Acting];
  const proposalId = await publish(ctx, provider, { price: "1" });
  const race = await twoProcesses(database.url);
  const scene = { receiver, proposalId, key: "5f1c-once", payload: "POST /agreements {1}" };
  const outcomes = await race(
    Array.from({ length: MANY }, () => ({ intention: "offer once" as const, scene })),
  );
  expect(tally(outcomes)).toEqual({ done: MANY });
  expect(new Set(outcomes.map(({ ok }) => ok)).size).toBe(1);
  expect(await ctx.db.select().from(agreements)).toHaveLength(1);
  expect(await balance(ctx, receiver.actorId)).toMatchObject({ held: 100n });
  const other = { ...scene, payload: "POST /agreements {2}" };
  expect(tally(await race([{ intention: "offer once", scene: other }]))).toEqual({ key_reused: 1 });
  // The key is this actor's only.
  const elsewhere = { ...scene, receiver: { ...provider }, proposalId: await publish(ctx, receiver) };
  expect(tally(await race([{ intention: "offer once", scene: elsewhere }]))).toMatchObject({
    insufficient_credit: 1,
  });
  await expectSound(ctx);
});

test("messages that cross end in one outcome: withdraw and accept, confirm and dispute, cancel and deliver", async () => {
  const { ctx, admin, database, provider } = await hub();
  const [receiver] = (await organizations(ctx, admin, 1, 3000n, "receiver")) as [Acting];
  const proposalId = await publish(ctx, provider, { available: "100", price: "1" });
  const race = await twoProcesses(database.url);
  const crossing: [Intention, Intention, "offered" | "funded" | "delivered"][] = [
    ["withdraw", "accept", "offered"],
    ["cancel", "deliver", "funded"],
    ["confirm", "dispute", "delivered"],
  ];
  for (const [one, other, stage] of crossing) {
    const ids: Id[] = [];
    for (let n = 0; n < 5; n++) {
      const id = await answer(ctx, receiver, proposalId);
      if (stage !== "offered") await acceptAgreement(ctx, provider, id);
      if (stage === "delivered") await deliverAgreement(ctx, provider, id);
      ids.push(id);
    }
    const scenes = ids.map((agreementId) => ({ provider, receiver, agreementId }));
    const outcomes = await race(
      scenes.flatMap((scene) => [
        { intention: one, scene },
        { intention: other, scene },
      ]),
    );
    for (const index of ids.keys()) {
      const pair = [outcomes[2 * index]!, outcomes[2 * index + 1]!];
      const done = pair.filter(({ ok }) => ok !== undefined);
      // Confirming what was just disputed is allowed: it ends the dispute. Nothing else succeeds after the other.
      const both = one === "confirm" && pair[1]!.ok !== undefined && pair[0]!.ok !== undefined;
      if (!both) expect(done, `${one} × ${other}`).toHaveLength(1);
      expect(pair.every(({ code }) => code === undefined || ["not_now", "other_party"].includes(code))).toBe(
        true,
      );
    }
  }
  await expectSound(ctx);
});
