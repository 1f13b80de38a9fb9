import { beforeEach, describe, expect, test } from "vitest";
import type { Acting, Ctx } from "../../src/domain/context.ts";
import { decideVoucher, requestVoucher } from "../../src/domain/ledger/vouchers.ts";
import { decideVerification, requestVerification } from "../../src/domain/organizations/verification.ts";
import { testDatabase } from "../support/database.ts";
import { exchangeHub, organization } from "../support/exchange.ts";
import { curator } from "../support/intentions.ts";

describe("nobody of the staff decides about an organization of their own", () => {
  let ctx: Ctx;
  let admin: Acting;
  let own: Acting;
  const verified = { state: "verified", sizeClass: "S" } as const;

  beforeEach(async () => {
    ({ ctx, admin } = await exchangeHub(await testDatabase()));
    own = await organization(ctx, admin, "propia");
    await requestVerification(ctx, own, { sizeClass: "S", statement: "Somos nosotras" });
  });

  test("when somebody else can", async () => {
    const other = await curator(ctx, "berta");
    const refused = decideVerification(ctx, admin, own.actorId, verified);
    await expect(refused).rejects.toMatchObject({ code: "own_organization" });
    await decideVerification(ctx, other, own.actorId, verified);
    const { id } = await requestVoucher(ctx, own, { amount: "1000", purpose: "un taller" });
    await expect(decideVoucher(ctx, admin, id, { approve: true })).rejects.toMatchObject({
      code: "own_organization",
    });
    await decideVoucher(ctx, other, id, { approve: true });
  });

  test("and a hub's only administrator still can", async () => {
    await decideVerification(ctx, admin, own.actorId, verified);
  });
});
