import { Hono } from "hono";
import { requireRole } from "../../domain/accounts/queries.ts";
import { disputes } from "../../domain/agreements/queries.ts";
import { DomainError } from "../../domain/errors.ts";
import { type Finding, releaseFreeze, runChecks } from "../../domain/ledger/check.ts";
import { fundStanding, policyRevisions, vouchersBefore } from "../../domain/ledger/overview.ts";
import { changePolicy, currentPolicy } from "../../domain/ledger/policy.ts";
import { lastCheck, openFreeze } from "../../domain/ledger/queries.ts";
import { DISPUTE_RULES } from "../../domain/ledger/rules.ts";
import { decideVoucher, voucherQueue } from "../../domain/ledger/vouchers.ts";
import { verificationQueue } from "../../domain/organizations/verification.ts";
import { AdminPage } from "../../views/admin/admin-page.tsx";
import { LedgerCheckPage } from "../../views/admin/ledger-page.tsx";
import { PolicyPage } from "../../views/admin/policy-page.tsx";
import { DecideVoucherPage, VoucherQueuePage } from "../../views/admin/vouchers-page.tsx";
import type { FormState } from "../../views/ui/page.ts";
import type { Env, WebContext } from "../env.ts";
import { requireViewer } from "../middleware/session.ts";
import { currencyOf, idOf } from "./ledger.tsx";
import { choice, render, submitAs, type Web } from "./page.tsx";

/** Where those who run the hub see what waits for them, and its exchange's rules and books. */
export function adminRoutes(web: Web) {
  const { ctx } = web;

  /** @throws DomainError login_required, forbidden */
  async function staff(c: WebContext, role: "curator" | "admin") {
    const viewer = requireViewer(c);
    await requireRole(ctx, viewer.accountId, role);
    return viewer;
  }

  async function decidePage(c: WebContext, form?: FormState) {
    const viewer = await staff(c, "curator");
    const id = idOf(c);
    const voucher = (await voucherQueue(ctx)).find((waiting) => waiting.id === id);
    if (voucher === undefined) throw new DomainError("not_found", "no such request waits");
    const [before, fund, currency] = await Promise.all([
      vouchersBefore(ctx, [voucher.organization.id]),
      fundStanding(ctx),
      currencyOf(web),
    ]);
    return (
      <DecideVoucherPage
        page={{ ...web.page(c), viewer }}
        currency={currency}
        voucher={voucher}
        before={before.get(voucher.organization.id)}
        fund={fund}
        form={form}
      />
    );
  }

  async function policyPage(c: WebContext, form?: FormState) {
    const viewer = await staff(c, "admin");
    const [policy, revisions, currency] = await Promise.all([
      currentPolicy(ctx),
      policyRevisions(ctx),
      currencyOf(web),
    ]);
    const page = { ...web.page(c), viewer };
    return <PolicyPage page={page} currency={currency} policy={policy} revisions={revisions} form={form} />;
  }

  async function ledgerPage(c: WebContext, form?: FormState) {
    const viewer = await staff(c, "curator");
    const [check, freeze] = await Promise.all([lastCheck(ctx), openFreeze(ctx)]);
    return (
      <LedgerCheckPage
        page={{ ...web.page(c), viewer }}
        // Written by `runChecks`.
        check={check && { ...check, findings: JSON.parse(check.findings) as Finding[] }}
        freeze={freeze}
        form={form}
      />
    );
  }

  return new Hono<Env>()
    .get("/admin", async (c) => {
      const viewer = await staff(c, "curator");
      const [verifications, fund, open, freeze] = await Promise.all([
        verificationQueue(ctx),
        fundStanding(ctx),
        disputes(ctx),
        openFreeze(ctx),
      ]);
      return render(
        c,
        <AdminPage
          page={{ ...web.page(c), viewer }}
          waiting={{
            verifications: verifications.length,
            vouchers: fund.waiting,
            disputes: open.length,
          }}
          frozen={freeze !== null}
        />,
      );
    })
    .get("/admin/vouchers", async (c) => {
      const viewer = await staff(c, "curator");
      const [queue, fund, currency] = await Promise.all([
        voucherQueue(ctx),
        fundStanding(ctx),
        currencyOf(web),
      ]);
      const before = await vouchersBefore(
        ctx,
        queue.map(({ organization }) => organization.id),
      );
      return render(
        c,
        <VoucherQueuePage
          page={{ ...web.page(c), viewer }}
          currency={currency}
          queue={queue}
          before={before}
          fund={fund}
        />,
      );
    })
    .get("/admin/vouchers/:id", async (c) => render(c, await decidePage(c)))
    .post("/admin/vouchers/:id", (c) =>
      submitAs(
        web,
        c,
        async (acting, fields) => {
          const decision = choice("decision", fields.decision, ["approve", "refuse"]);
          await decideVoucher(ctx, acting, idOf(c), {
            approve: decision === "approve",
            amount: fields.amount,
            note: fields.note,
          });
          return web.done(c, "/admin/vouchers", "notices.voucher_decided");
        },
        (form) => decidePage(c, form),
      ),
    )
    .get("/admin/policy", async (c) => render(c, await policyPage(c)))
    .post("/admin/policy", (c) =>
      submitAs(
        web,
        c,
        async (acting, fields) => {
          const text = (name: string) => fields[name] ?? "";
          await changePolicy(ctx, acting, {
            startLine: text("startLine"),
            maxLine: text("maxLine"),
            smallFactor: text("smallFactor"),
            softMaximum: text("softMaximum"),
            dailyLimit: text("dailyLimit"),
            fundLine: text("fundLine"),
            voucherQuota: text("voucherQuota"),
            vouchMax: text("vouchMax"),
            answerDays: text("answerDays"),
            graceDays: text("graceDays"),
            settleDays: text("settleDays"),
            disputeDays: text("disputeDays"),
            reviewDays: text("reviewDays"),
            disputeRule: choice("disputeRule", fields.disputeRule, DISPUTE_RULES),
          });
          return web.done(c, "/admin/policy", "notices.policy_published");
        },
        (form) => policyPage(c, form),
      ),
    )
    .get("/admin/ledger", async (c) => render(c, await ledgerPage(c)))
    .post("/admin/ledger/check", async (c) => {
      await staff(c, "admin");
      await runChecks(ctx);
      return web.done(c, "/admin/ledger", "notices.ledger_checked");
    })
    .post("/admin/ledger/release", (c) =>
      submitAs(
        web,
        c,
        async (acting, fields) => {
          await releaseFreeze(ctx, acting, fields.note ?? "");
          return web.done(c, "/admin/ledger", "notices.ledger_released");
        },
        (form) => ledgerPage(c, form),
      ),
    );
}
