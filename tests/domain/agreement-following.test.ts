import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { type ClearingWord, tellAgreements } from "../../src/domain/agreements/clearing.ts";
import { transact } from "../../src/domain/transact.ts";
import { agree, type ClearingHub, clearingScene } from "../support/clearing-scene.ts";

/** What is kept of an agreement's steps, and what its parties hear, without names and times. */
async function traces({ ctx }: ClearingHub, id: bigint) {
  const agreement = await ctx.db.execute(sql`
    select state, delivered is not null as delivered, settled is not null as settled, settled_amount, settled_quantity, automatic,
      deadline, remind, changed > created as changed, transfer_id is not null as transfer, donation, quantity, amount, offered_by
    from agreements where id = ${id}::bigint`);
  const steps = await ctx.db.execute(sql`
    select message, state, party, account_id, amount, quantity, due, note, activity is null as unsigned, body, proof
    from agreement_steps where agreement_id = ${id}::bigint order by id`);
  const notices = await ctx.db.execute(sql`
    select account_id, actor_id, kind, details, mailed is null as mail from notices where path = ${`/agreements/${id}`} order by id`);
  const events = await ctx.db.execute(sql`
    select queue, key, payload::json ->> 'name' as name from jobs where payload::json ->> 'agreementId' = ${String(id)}`);
  return [agreement, steps, notices, events].map((rows) => [...rows].map((row) => ({ ...row })));
}

test("agreements that are told together come to the same as those that are told one by one", async () => {
  const scene = await clearingScene();
  const { a, b } = scene;
  for (const { ctx, admin, members } of [a, b])
    await ctx.db.execute(sql`
      insert into memberships (organization_id, account_id, role, created)
      values (${members[0]!.actorId}::bigint, ${admin.accountId}::bigint, 'representative', now())`);
  const deals = [];
  for (let n = 0; n < 4; n++) deals.push(await agree(a, b, 100n, { asks: false }));
  const payer = deals.map((deal) => deal.payerAgreement);
  const payee = deals.map((deal) => deal.payeeAgreement);
  scene.advance(60_000);

  const amounts = { payer: deals[0]!.quote.payer, payee: 100n, seconds: deals[0]!.quote.seconds };
  const said: [ClearingHub, bigint[], ClearingWord][] = [
    [a, payer, { type: "promised" }],
    [b, payee, { type: "promised" }],
    [b, payee, { type: "settled", amounts, automatic: true, confirm: "auto" }],
    [b, payee, { type: "released" }],
  ];
  for (const [hub, [one, two, three, alone], word] of said) {
    const told = [one!, two!, three!].map((agreementId) => ({ agreementId, word }));
    // Told twice it is told by itself, and takes it once.
    const twice = [alone!, alone!].map((agreementId) => ({ agreementId, word }));
    await transact(hub.ctx, (ctx) => tellAgreements(ctx, [...told, ...twice]));
    const expected = await traces(hub, alone!);
    for (const id of [one!, two!, three!]) expect(await traces(hub, id)).toEqual(expected);
  }
  expect((await traces(b, payee[0]!))[0]).toMatchObject([
    { state: "settled", settled_amount: "100", automatic: true, changed: true, settled: true },
  ]);
  expect((await traces(b, payee[0]!))[2]!.map(({ kind }) => kind)).toEqual([
    "agreement_funded",
    "agreement_settled",
  ]);
  expect((await traces(b, payee[0]!))[3]).toMatchObject([{ queue: "events", name: "agreement.settled" }]);
});

test("what an agreement cannot take any more, and one that is not there, stop nobody else's", async () => {
  const { a, b } = await clearingScene();
  const [over, open] = [await agree(a, b, 100n, { asks: false }), await agree(a, b, 100n, { asks: false })];
  await b.ctx.db.execute(
    sql`update agreements set state = 'cancelled' where id = ${over.payeeAgreement}::bigint`,
  );
  const told = [over.payeeAgreement, 7n, open.payeeAgreement].map((agreementId) => ({
    ...{ agreementId, word: { type: "promised" as const } },
  }));
  await transact(b.ctx, (ctx) => tellAgreements(ctx, told));
  const states = await b.ctx.db.execute<{ state: string }>(sql`select state from agreements order by id`);
  expect([...states].map(({ state }) => state)).toEqual(["cancelled", "funded"]);
});
