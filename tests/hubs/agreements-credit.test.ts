import { describe, expect, test } from "vitest";
import type { Id } from "../../src/db/ids.ts";
import { consentBundle } from "../../src/domain/agreements/bundle.ts";
import {
  acceptAgreement,
  advanceAgreements,
  cancelAgreement,
  confirmAgreement,
  counterOffer,
  deliverAgreement,
  disputeAgreement,
  offerAgreement,
  withdrawAgreement,
} from "../../src/domain/agreements/commands.ts";
import { fundAccount, setAccountLimits } from "../../src/domain/ledger/accounts.ts";
import { transact } from "../../src/domain/transact.ts";
import { checkBundle } from "../../src/federation/consent-bundle.ts";
import { type Across, across } from "../support/across.ts";
import { until } from "../support/clearing-hubs.ts";
import { crossing } from "../support/crossing.ts";

/** Credits between organizations of two hubs: both hubs say the same in the end, and nothing is made or lost. */

const DAY = 86_400_000;

/** What is asked between hubs is asked again until it is answered: waits for that, and not for time. */
async function until2(scene: Across, ...states: [string, string]): Promise<void> {
  await until(async () => {
    await scene.quiet();
    const found = (await scene.newest()).map(({ state }) => state);
    return found[0] === states[0] && found[1] === states[1];
  });
}

/** raices answers an offer of nour's: 2 hours for 20.00 points, which cost 120 minutes. */
async function agreed(scene: Across, quantity = 2): Promise<{ mine: Id; theirs: Id }> {
  const seen = await scene.publish();
  const mine = await offerAgreement(scene.lac.ctx, scene.raices, { ...seen, quantity, due: null });
  await scene.quiet();
  const [, { id: theirs }] = await scene.newest();
  await acceptAgreement(scene.mena.ctx, scene.nour, theirs);
  await until2(scene, "funded", "funded");
  return { mine, theirs };
}

describe("an offer of another hub's", () => {
  test("is answered, promised, carried out and paid: each in its own currency, with two signed consents to both amounts", async () => {
    const scene = await across();
    const { lac, mena, raices, nour, quiet } = scene;
    const { mine, theirs } = await agreed(scene);
    expect((await scene.newest()).map(({ amount }) => amount)).toEqual([120n, 2_000n]);
    expect(await scene.balances()).toEqual([-120n, 0n]);
    await deliverAgreement(mena.ctx, nour, theirs, {});
    await quiet();
    await confirmAgreement(lac.ctx, raices, mine);
    await until2(scene, "settled", "settled");
    expect(await scene.balances()).toEqual([-120n, 2_000n]);
    expect((await scene.newest()).map(({ settledAmount, iri }) => [settledAmount, iri])).toEqual([
      [120n, `${mena.origin}/agreements/${theirs}`],
      [2_000n, `${mena.origin}/agreements/${theirs}`],
    ]);
    await scene.check();
    for (const [hub, viewer, id] of [
      [lac, raices, mine],
      [mena, nour, theirs],
    ] as const) {
      const { problems, agreed, consents } = checkBundle(
        JSON.stringify(await consentBundle(hub.ctx, id, viewer)),
      );
      expect(problems).toEqual([]);
      expect(agreed).toBe(true);
      expect(consents.map(({ message }) => message)).toEqual(["offer", "accept", "deliver", "confirm"]);
    }
    // What settled it names the very words of the payer.
    const [entry] = await mena.database.sql`select body from clearing_entries where direction = 'in'`;
    const [confirm] = await lac.database.sql`select digest from agreement_steps where message = 'confirm'`;
    expect(JSON.parse(entry!.body)["ayni:confirm"]).toBe(confirm!.digest);
  });
});

describe("terms between hubs", () => {
  test("a need of another hub's is answered, in the payer's currency; other terms on both sides; a part is paid", async () => {
    const scene = await across();
    const { lac, mena, raices, nour, quiet } = scene;
    const seen = await scene.publish({ purpose: "request", price: "12" });
    // raices works for it, nour pays: 3 hours at 12.00 points are 3.6 HOURs, 216 minutes.
    const mine = await offerAgreement(lac.ctx, raices, { ...seen, quantity: 3, due: null });
    await quiet();
    expect((await scene.newest()).map(({ amount }) => amount)).toEqual([216n, 3_600n]);
    const [, { id: theirs }] = await scene.newest();
    await counterOffer(mena.ctx, nour, theirs, { quantity: 2, amount: null, due: null });
    await quiet();
    expect((await scene.newest()).map(({ amount }) => amount)).toEqual([144n, 2_400n]);
    expect(await scene.balances()).toEqual([0n, -2_400n]);
    await counterOffer(lac.ctx, raices, mine, { quantity: 1, amount: null, due: null });
    await quiet();
    await acceptAgreement(mena.ctx, nour, theirs);
    await until2(scene, "funded", "funded");
    expect(await scene.balances()).toEqual([0n, -1_200n]);
    await deliverAgreement(lac.ctx, raices, mine, { donation: 10 });
    await quiet();
    // 10.01 points are 3603.6 seconds, so 3603, of which an hour of 60 minutes gives 60.
    await confirmAgreement(mena.ctx, nour, theirs, { amount: 1_001n, note: "Faltó un poco" });
    await until2(scene, "settled", "settled");
    expect(await scene.balances()).toEqual([54n, -1_001n]);
    expect((await scene.newest()).map(({ settledAmount }) => settledAmount)).toEqual([60n, 1_001n]);
    await scene.check();
    const bundle = await consentBundle(lac.ctx, mine, raices);
    expect(checkBundle(JSON.stringify(bundle)).problems).toEqual([]);
  });

  test("what the other hub has no room for is called off on both, and nothing stays held", async () => {
    const scene = await across({ limit: 3_600n });
    const { lac, mena, raices, nour, quiet } = scene;
    const seen = await scene.publish();
    await offerAgreement(lac.ctx, raices, { ...seen, quantity: 2, due: null });
    await quiet();
    await acceptAgreement(mena.ctx, nour, (await scene.newest())[1].id);
    await until2(scene, "cancelled", "cancelled");
    expect(await scene.balances()).toEqual([0n, 0n]);
    expect((await scene.newest()).map(({ committed }) => committed)).toEqual([0, 0]);
    await scene.check();
  });

  test("a rate that changed since is not agreed to, and an old one is not offered", async () => {
    const scene = await across();
    const { lac, mena, raices, nour, quiet } = scene;
    const seen = await scene.publish();
    await offerAgreement(lac.ctx, raices, { ...seen, quantity: 1, due: null });
    await quiet();
    await mena.database.sql`update hubs set currency_rate_n = 20`;
    const { id } = (await scene.newest())[1];
    await expect(acceptAgreement(mena.ctx, nour, id)).rejects.toMatchObject({ code: "stale_quote" });
    // lac does not know mena's new rate yet: what it offers by the old one is refused with the reason, and given back.
    await offerAgreement(lac.ctx, raices, { ...seen, quantity: 1, due: null });
    await quiet();
    expect((await scene.newest())[0].state).toBe("rejected");
    expect(await scene.balances()).toEqual([-60n, 0n]);
    const [step] = await lac.database.sql`select body from agreement_steps where message = 'reject'`;
    expect(JSON.parse(step!.body)["ayni:reason"]).toBe("stale-quote");
    await scene.check();
  });

  test("nobody pays at another hub who is not known at its own, nor where nothing new is begun", async () => {
    const scene = await across();
    const { lac, raices } = scene;
    const seen = await scene.publish();
    const offer = () => offerAgreement(lac.ctx, raices, { ...seen, quantity: 1, due: null });
    await lac.database.sql`update vouches set released = now()`;
    await expect(offer()).rejects.toMatchObject({ code: "not_proven" });
    await lac.database.sql`update vouches set released = null`;
    await lac.database.sql`update peers set state = 'draining'`;
    await expect(offer()).rejects.toMatchObject({ code: "peering_paused" });
    await lac.database.sql`update peers set state = 'proposed'`;
    await expect(offer()).rejects.toMatchObject({ code: "needs_peering" });
  });
});

describe("a voucher", () => {
  test("pays at another hub in an organization's place: the fund does, and the hub's own actor stands for it", async () => {
    const scene = await across();
    const { lac, mena, raices, nour, quiet } = scene;
    const { sql } = lac.database;
    await transact(lac.ctx, async (ctx) => {
      const limits = { minimum: -1_000n, growth: 0n, maximum: null };
      await setAccountLimits(ctx, await fundAccount(ctx), limits, "a test", null);
    });
    const voucherId = await lac.ctx.ids.next(lac.clock.now());
    await sql`insert into vouchers (id, organization_id, purpose, requested, approved, state, created, decided, expires)
      values (${String(voucherId)}, ${String(raices.actorId)}, 'Taller', 200, 200, 'approved', ${lac.clock.now()},
        ${lac.clock.now()}, ${new Date(lac.clock.now().getTime() + 90 * DAY)})`;
    const seen = await scene.publish();
    const mine = await offerAgreement(lac.ctx, raices, { ...seen, quantity: 2, due: null, voucherId });
    await quiet();
    const { id: theirs } = (await scene.newest())[1];
    await acceptAgreement(mena.ctx, nour, theirs);
    await until2(scene, "funded", "funded");
    await deliverAgreement(mena.ctx, nour, theirs, {});
    await quiet();
    await confirmAgreement(lac.ctx, raices, mine);
    await until2(scene, "settled", "settled");
    expect(await scene.balances()).toEqual([0n, 2_000n]);
    const [fund] = await sql`select posted from ledger_accounts where kind = 'solidarity'`;
    expect(BigInt(String(fund!.posted))).toBe(-120n);
    await scene.check();
  });
});

describe("words that cross", () => {
  test.each(["offer", "request"] as const)(
    "withdraw and accept of an %s: withdrawn on both",
    async (purpose) => {
      const scene = await across();
      const { lac, mena, raices, nour, quiet } = scene;
      const seen = await scene.publish({ purpose });
      const mine = await offerAgreement(lac.ctx, raices, { ...seen, quantity: 1, due: null });
      await quiet();
      const { id: theirs } = (await scene.newest())[1];
      await crossing(lac, mena, () =>
        Promise.all([withdrawAgreement(lac.ctx, raices, mine), acceptAgreement(mena.ctx, nour, theirs)]),
      );
      await until2(scene, "withdrawn", "withdrawn");
      expect(await scene.balances()).toEqual([0n, 0n]);
      expect((await scene.newest()).map(({ committed }) => committed)).toEqual([0, 0]);
      await scene.check();
    },
  );

  test("confirm and dispute: what was ordered is paid, and both know of the objection", async () => {
    const scene = await across();
    const { lac, mena, raices, nour, quiet } = scene;
    const { mine, theirs } = await agreed(scene);
    await deliverAgreement(mena.ctx, nour, theirs, {});
    await quiet();
    await crossing(lac, mena, () =>
      Promise.all([
        confirmAgreement(lac.ctx, raices, mine),
        disputeAgreement(mena.ctx, nour, theirs, { note: "No" }),
      ]),
    );
    await until2(scene, "settled", "settled");
    expect(await scene.balances()).toEqual([-120n, 2_000n]);
    for (const hub of [lac, mena])
      expect(
        await hub.database.sql`select count(*)::int as n from notices where kind = 'dispute_late'`,
      ).toEqual([{ n: 1 }]);
    await scene.check();
  });

  test("cancel and deliver: the payer's hub decides, and nothing is paid", async () => {
    const scene = await across();
    const { lac, mena, raices, nour } = scene;
    const { mine, theirs } = await agreed(scene);
    await crossing(lac, mena, () =>
      Promise.all([
        cancelAgreement(lac.ctx, raices, mine, { note: "Ya no" }),
        deliverAgreement(mena.ctx, nour, theirs, {}),
      ]),
    );
    await until2(scene, "cancelled", "cancelled");
    expect(await scene.balances()).toEqual([0n, 0n]);
    await scene.check();
  });

  test("both dispute at once: it is one dispute; the payer's hub ends it by its rule", async () => {
    const scene = await across();
    const { lac, mena, raices, nour, quiet } = scene;
    const { mine, theirs } = await agreed(scene);
    await deliverAgreement(mena.ctx, nour, theirs, {});
    await quiet();
    await crossing(lac, mena, () =>
      Promise.all([
        disputeAgreement(lac.ctx, raices, mine, { note: "No" }),
        disputeAgreement(mena.ctx, nour, theirs, { note: "Sí" }),
      ]),
    );
    await quiet();
    expect((await scene.newest()).map(({ state, disputedBy }) => [state, disputedBy])).toEqual(
      Array(2).fill(["disputed", "receiver"]),
    );
    for (const hub of [mena, lac]) {
      hub.clock.advance(15 * DAY);
      expect(await advanceAgreements(hub.ctx)).toEqual([]);
    }
    await until2(scene, "resolved", "resolved");
    expect(await scene.balances()).toEqual([-60n, 1_000n]);
    await scene.check();
  });
});

describe("time", () => {
  test("silence is the payer's hub's to end: the payee's waits for it", async () => {
    const scene = await across();
    const { lac, mena, nour, quiet } = scene;
    const { theirs } = await agreed(scene);
    await deliverAgreement(mena.ctx, nour, theirs, {});
    await quiet();
    for (const hub of [lac, mena]) hub.clock.advance(15 * DAY);
    expect(await advanceAgreements(mena.ctx)).toEqual([]);
    expect((await scene.newest())[1].state).toBe("delivered");
    expect(await advanceAgreements(lac.ctx)).toEqual([]);
    await until2(scene, "settled", "settled");
    expect((await scene.newest()).map(({ automatic }) => automatic)).toEqual([true, true]);
    expect(await scene.balances()).toEqual([-120n, 2_000n]);
    await scene.check();
  });

  test("work that never came is given back on both", async () => {
    const scene = await across();
    const { lac, mena } = scene;
    await agreed(scene);
    for (const hub of [lac, mena]) hub.clock.advance(91 * DAY);
    expect(await advanceAgreements(mena.ctx)).toEqual([]);
    expect((await scene.newest())[1].state).toBe("funded");
    expect(await advanceAgreements(lac.ctx)).toEqual([]);
    await until2(scene, "expired", "expired");
    expect(await scene.balances()).toEqual([0n, 0n]);
    await scene.check();
  });
});
