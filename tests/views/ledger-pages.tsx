import type { Child } from "hono/jsx";
import type { Flow, StatementLine } from "../../src/domain/ledger/queries.ts";
import { defaultPolicy } from "../../src/domain/ledger/rules.ts";
import type { VoucherView } from "../../src/domain/ledger/vouchers.ts";
import type { Locale } from "../../src/locales/index.ts";
import { AdminPage } from "../../src/views/admin/admin-page.tsx";
import { LedgerCheckPage } from "../../src/views/admin/ledger-page.tsx";
import { PolicyPage } from "../../src/views/admin/policy-page.tsx";
import { DecideVoucherPage, VoucherQueuePage } from "../../src/views/admin/vouchers-page.tsx";
import { DonatePage, ReturnPage } from "../../src/views/ledger/give-pages.tsx";
import { NeedsOrganizationPage } from "../../src/views/ledger/how.tsx";
import { HubLedgerPage } from "../../src/views/ledger/hub-page.tsx";
import { LedgerPage, type LedgerPageProps } from "../../src/views/ledger/ledger-page.tsx";
import { VouchersPage } from "../../src/views/ledger/vouchers-page.tsx";
import type { PageContext } from "../../src/views/ui/page.ts";
import { agreement } from "./agreement-pages.tsx";
import { AS_ORGANIZATION, NOW, NUR, pageContext, RIO, SEMILLA, VIEWER } from "./example.ts";

const CURRENCY = { name: "Créditos", symbol: "cr", scale: 2 };
const DAY = 86_400_000;
const before = (days: number) => new Date(NOW.getTime() - days * DAY);
const POLICY = { ...defaultPolicy({ n: 100n, d: 1n }), revision: 0, created: null };
const FUND = { posted: 4_000n, available: 4_000n, promised: 1_500n, waiting: 2 };

function line(seq: bigint, values: Partial<StatementLine> = {}): StatementLine {
  return {
    seq,
    amount: 450n,
    balance: 1_250n,
    created: before(Number(100n - seq)),
    transferId: 5_000n + seq,
    kind: "agreement",
    agreementId: 7n,
    counterparty: RIO,
    hub: null,
    corrects: null,
    note: null,
    accountId: null,
    ...values,
  };
}

const LINES = [
  line(9n),
  line(8n, { amount: -250n, kind: "correction", counterparty: NUR, note: "Se pagó <de> más", corrects: 1n }),
  line(7n, { amount: -100n, kind: "donation", agreementId: null, counterparty: null }),
  line(6n, { amount: -123_456_789n, agreementId: 8n, balance: -123_455_000n }),
];

function voucher(values: Partial<VoucherView> = {}): VoucherView {
  return {
    id: 60n,
    organization: SEMILLA,
    sizeClass: "S",
    purpose: "Contabilidad para nuestra primera rendición de cuentas <con cuatro voluntarias>.",
    requested: 800n,
    approved: null,
    state: "requested",
    automatic: false,
    note: null,
    agreementId: null,
    created: before(3),
    decided: null,
    expires: null,
    ...values,
  };
}

const flow = (month: number, sizeClass: Flow["sizeClass"], given: bigint, received: bigint): Flow => ({
  quarter: new Date(Date.UTC(2026, month, 1)),
  sizeClass,
  given,
  received,
  gave: 1,
  got: 2,
});

const FLOWS = [
  flow(6, "S", 100n, 900n),
  flow(6, "L", 900n, 100n),
  flow(9, "S", 300n, 400n),
  flow(9, "M", 0n, 500n),
  flow(9, "?", 600n, 0n),
];

/** The pages of credits and of administration, in the states that look different. */
export function ledgerPages(locale: Locale): Record<string, Child> {
  const organization = (path: string, values: Partial<PageContext> = {}) => ({
    ...pageContext(locale, { path, ...values }),
    viewer: AS_ORGANIZATION,
  });
  const staff = (path: string) => ({
    ...pageContext(locale, { path }),
    viewer: { ...VIEWER, role: "admin" as const },
  });
  const ledger: LedgerPageProps = {
    page: organization("/ledger", { notice: "notices.donated" }),
    currency: CURRENCY,
    balance: {
      posted: 10_000n,
      held: 850n,
      available: 11_150n,
      minimum: -2_000n,
      maximum: 8_000n,
      growth: 500n,
    },
    excess: 2_000n,
    holds: [
      { transferId: 1n, amount: 850n, created: before(2), agreementId: 7n, payee: RIO },
      { transferId: 2n, amount: 100n, created: before(4), agreementId: null, payee: null },
    ],
    history: [
      { at: before(200), value: -500n },
      { at: before(90), value: 12_000n },
      { at: before(1), value: 10_000n },
    ],
    now: NOW,
    query: { direction: null, kind: null, from: null, to: null },
    statement: { items: LINES, before: 6n },
    titles: new Map([[7n, { name: "Taller <de> contabilidad", language: "es" }]]),
    frozen: false,
  };
  return {
    ledger: <LedgerPage {...ledger} />,
    "ledger-empty": (
      <LedgerPage
        {...ledger}
        page={organization("/ledger?direction=in&before=3")}
        balance={{ posted: -100n, held: 0n, available: 0n, minimum: 0n, maximum: null, growth: 0n }}
        excess={0n}
        holds={[]}
        history={[]}
        query={{ direction: "in", kind: "donation", from: "2027-01-01", to: null }}
        statement={{ items: [], before: null }}
        frozen
      />
    ),
    "ledger-person": (
      <NeedsOrganizationPage
        page={{ ...pageContext(locale, { path: "/ledger" }), viewer: VIEWER }}
        title="Créditos"
      />
    ),
    "ledger-nobody": (
      <NeedsOrganizationPage
        page={{ ...pageContext(locale, { path: "/vouchers" }), viewer: { ...VIEWER, organizations: [] } }}
        title="Vales"
      />
    ),
    donate: <DonatePage page={organization("/ledger/donate")} currency={CURRENCY} free={700n} fund={0n} />,
    "donate-nothing": (
      <DonatePage page={organization("/ledger/donate")} currency={CURRENCY} free={0n} fund={4_000n} />
    ),
    return: (
      <ReturnPage
        page={organization("/ledger/transfers/9/return")}
        currency={CURRENCY}
        author={SEMILLA}
        transferId={9n}
        agreement={agreement({ state: "settled", settledAmount: 450n, settled: before(3) })}
        left={200n}
        form={{
          values: { amount: "9", note: "" },
          errors: [
            { field: "amount", code: "over_amount", details: {} },
            { field: "note", code: "required", details: {} },
          ],
        }}
      />
    ),
    "return-done": (
      <ReturnPage
        page={organization("/ledger/transfers/9/return")}
        currency={CURRENCY}
        author={SEMILLA}
        transferId={9n}
        agreement={null}
        left={0n}
      />
    ),
    "ledger-hub": (
      <HubLedgerPage
        page={pageContext(locale, { path: "/ledger/hub" })}
        currency={CURRENCY}
        totals={{
          members: -4_000n,
          fund: 4_000n,
          held: 850n,
          accounts: 12,
          settled: 90_000n,
          exchanges: { credit: 40, gift: 12, count: 3, external: 1 },
        }}
        flows={FLOWS}
        policy={POLICY}
        waiting={2}
        signed={"2026-11-21"}
      />
    ),
    "ledger-hub-new": (
      <HubLedgerPage
        page={organization("/ledger/hub")}
        currency={{ ...CURRENCY, scale: 0 }}
        totals={{
          members: 0n,
          fund: 0n,
          held: 0n,
          accounts: 0,
          settled: 0n,
          exchanges: { credit: 0, gift: 0, count: 0, external: 0 },
        }}
        flows={[]}
        policy={{ ...POLICY, revision: 3, created: before(20), fundMinimum: -500n, voucherQuota: 0n }}
        waiting={0}
        signed={null}
      />
    ),
    vouchers: (
      <VouchersPage
        page={organization("/vouchers")}
        currency={CURRENCY}
        vouchers={[
          voucher(),
          voucher({ id: 59n, state: "approved", approved: 500n, expires: NOW, note: "Por ahora" }),
          voucher({ id: 58n, state: "used", approved: 800n, agreementId: 7n }),
          voucher({ id: 57n, state: "refused", note: "No alcanza" }),
          voucher({ id: 56n, state: "expired", approved: 800n }),
          voucher({ id: 55n, state: "cancelled" }),
        ]}
        place={3}
        fundFree={2_500n}
        quota={1_000n}
      />
    ),
    "vouchers-new": (
      <VouchersPage
        page={organization("/vouchers")}
        currency={CURRENCY}
        vouchers={[]}
        place={null}
        fundFree={0n}
        quota={1_000n}
        form={{
          values: { amount: "x", purpose: "" },
          errors: [
            { field: "amount", code: "not_a_number", details: {} },
            { field: "purpose", code: "required", details: {} },
          ],
        }}
      />
    ),
    admin: (
      <AdminPage page={staff("/admin")} waiting={{ verifications: 0, vouchers: 2, disputes: 1 }} frozen />
    ),
    "admin-vouchers": (
      <VoucherQueuePage
        page={staff("/admin/vouchers")}
        currency={CURRENCY}
        queue={[voucher(), voucher({ id: 61n, organization: RIO, sizeClass: null })]}
        before={new Map([[SEMILLA.id, { count: 2, amount: 1_200n }]])}
        fund={FUND}
      />
    ),
    "admin-vouchers-none": (
      <VoucherQueuePage
        page={staff("/admin/vouchers")}
        currency={CURRENCY}
        queue={[]}
        before={new Map()}
        fund={{ ...FUND, available: 0n }}
      />
    ),
    "admin-voucher": (
      <DecideVoucherPage
        page={staff("/admin/vouchers/60")}
        currency={CURRENCY}
        voucher={voucher()}
        before={undefined}
        fund={FUND}
        form={{
          values: { decision: "refuse", amount: "8", note: "" },
          errors: [{ field: "note", code: "required", details: {} }],
        }}
      />
    ),
    "admin-policy": (
      <PolicyPage
        page={staff("/admin/policy")}
        currency={CURRENCY}
        policy={POLICY}
        revisions={[
          { revision: 2, created: before(1), person: "Ana Ejemplo" },
          { revision: 1, created: before(9), person: null },
        ]}
        form={{
          values: { startLine: "-1" },
          errors: [{ field: "startLine", code: "not_a_number", details: {} }],
        }}
      />
    ),
    "admin-policy-new": (
      <PolicyPage page={staff("/admin/policy")} currency={CURRENCY} policy={POLICY} revisions={[]} />
    ),
    "admin-ledger": (
      <LedgerCheckPage
        page={staff("/admin/ledger")}
        check={{
          checked: NOW,
          entries: 48n,
          findings: [
            { check: "sum", subject: "unit credit", detail: "all balances together are 1" },
            { check: "of another version", subject: "account 4", detail: "<odd>" },
          ],
        }}
        freeze={{ reason: "unit credit: all balances together are 1", frozen: before(1) }}
        form={{ values: { note: "" }, errors: [{ field: "note", code: "required", details: {} }] }}
      />
    ),
    "admin-ledger-curator": (
      <LedgerCheckPage
        page={{ ...pageContext(locale), viewer: { ...VIEWER, role: "curator" } }}
        check={null}
        freeze={{ reason: "x", frozen: before(1) }}
      />
    ),
  };
}
