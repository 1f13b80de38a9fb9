import { Hono } from "hono";
import { actingAs } from "../../domain/accounts/queries.ts";
import { fundStanding, queuePlace } from "../../domain/ledger/overview.ts";
import { currentPolicy } from "../../domain/ledger/policy.ts";
import { cancelVoucher, requestVoucher, vouchersOf } from "../../domain/ledger/vouchers.ts";
import { verificationOf } from "../../domain/organizations/verification.ts";
import { NeedsOrganizationPage } from "../../views/ledger/how.tsx";
import { VouchersPage } from "../../views/ledger/vouchers-page.tsx";
import type { FormState } from "../../views/ui/page.ts";
import type { Env, WebContext } from "../env.ts";
import { requireViewer } from "../middleware/session.ts";
import { currencyOf, idOf, isOrganization } from "./ledger.tsx";
import { formFields, render, submitAs, type Web } from "./page.tsx";

/** An organization's vouchers of the solidarity fund. */
export function voucherRoutes(web: Web) {
  const { ctx } = web;

  async function vouchersPage(c: WebContext, form?: FormState) {
    const viewer = requireViewer(c);
    const actorId = viewer.acting.id;
    const [vouchers, fund, verification, policy, currency] = await Promise.all([
      vouchersOf(ctx, actorId),
      fundStanding(ctx),
      verificationOf(ctx, actorId),
      currentPolicy(ctx),
      currencyOf(web),
    ]);
    const waiting = vouchers.find(({ state }) => state === "requested");
    const small = verification?.state === "verified" && verification.sizeClass === "S";
    return (
      <VouchersPage
        page={{ ...web.page(c), viewer }}
        currency={currency}
        vouchers={vouchers}
        place={waiting === undefined ? null : await queuePlace(ctx, waiting.id)}
        fundFree={fund.available - fund.promised}
        quota={small ? policy.voucherQuota : 0n}
        form={form}
      />
    );
  }

  return new Hono<Env>()
    .get("/vouchers", async (c) => {
      const viewer = requireViewer(c);
      if (isOrganization(c)) return render(c, await vouchersPage(c));
      const page = { ...web.page(c), viewer };
      return render(c, <NeedsOrganizationPage page={page} title={c.get("t")("vouchers.title")} />);
    })
    .post("/vouchers", (c) =>
      submitAs(
        web,
        c,
        async (acting, fields) => {
          const { approved } = await requestVoucher(ctx, acting, {
            amount: fields.amount ?? "",
            purpose: fields.purpose ?? "",
          });
          return web.done(
            c,
            "/vouchers",
            approved ? "notices.voucher_approved" : "notices.voucher_requested",
          );
        },
        (form) => vouchersPage(c, form),
      ),
    )
    .post("/vouchers/:id/cancel", async (c) => {
      const viewer = requireViewer(c);
      const fields = await formFields(c);
      const acting = await actingAs(ctx, viewer.accountId, fields.as ?? "");
      await cancelVoucher(ctx, acting, idOf(c));
      return web.done(c, "/vouchers", "notices.voucher_cancelled");
    });
}
