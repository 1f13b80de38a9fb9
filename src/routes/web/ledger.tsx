import { Hono } from "hono";
import { type Id, parseId } from "../../db/ids.ts";
import { agreementById } from "../../domain/agreements/queries.ts";
import { agreementTitles } from "../../domain/agreements/titles.ts";
import { lastTotals } from "../../domain/clearing/totals.ts";
import { DomainError } from "../../domain/errors.ts";
import { localHub } from "../../domain/hubs/queries.ts";
import { donate, returnable, returnCredits } from "../../domain/ledger/donate.ts";
import { fundStanding } from "../../domain/ledger/overview.ts";
import { currentPolicy } from "../../domain/ledger/policy.ts";
import {
  balance,
  balanceHistory,
  flowsBySize,
  holds,
  hubTotals,
  openFreeze,
  overflow,
  statement,
} from "../../domain/ledger/queries.ts";
import { donatable, TRANSFER_KINDS } from "../../domain/ledger/rules.ts";
import type { Currency } from "../../views/ledger/amounts.tsx";
import { DonatePage, ReturnPage } from "../../views/ledger/give-pages.tsx";
import { NeedsOrganizationPage } from "../../views/ledger/how.tsx";
import { HubLedgerPage } from "../../views/ledger/hub-page.tsx";
import { LedgerPage } from "../../views/ledger/ledger-page.tsx";
import type { StatementQuery } from "../../views/ledger/statement.tsx";
import { thinned } from "../../views/ui/chart.tsx";
import type { FormState } from "../../views/ui/page.ts";
import type { Env, WebContext } from "../env.ts";
import { requireViewer } from "../middleware/session.ts";
import { periodOf, statementCsv } from "./ledger-csv.ts";
import { asWhoeverMay, render, submitAs, type Web } from "./page.tsx";

const LINES = 25;
const CHART_POINTS = 48;
const YEAR = 365 * 86_400_000;

export function ledgerRoutes(web: Web) {
  const { ctx } = web;

  async function donatePage(c: WebContext, form?: FormState) {
    const viewer = requireViewer(c);
    const [own, fund, currency] = await Promise.all([
      balance(ctx, viewer.acting.id),
      balance(ctx, null),
      currencyOf(web),
    ]);
    const page = { ...web.page(c), viewer };
    return (
      <DonatePage page={page} currency={currency} free={donatable(own)} fund={fund.posted} form={form} />
    );
  }

  async function returnPage(c: WebContext, form?: FormState) {
    const viewer = requireViewer(c);
    const transferId = idOf(c);
    const [paid, author] = await asWhoeverMay(viewer, async (actor) => {
      const found = await returnable(ctx, actor.id, transferId);
      if (found === null) throw new DomainError("not_found", "no such payment to this organization");
      return [found, actor] as const;
    });
    const who = { accountId: viewer.accountId, actorId: author.id };
    const [agreement, currency] = await Promise.all([
      paid.agreementId === null ? null : agreementById(ctx, paid.agreementId, who),
      currencyOf(web),
    ]);
    return (
      <ReturnPage
        page={web.page(c)}
        currency={currency}
        author={author}
        transferId={transferId}
        agreement={agreement}
        left={paid.amount}
        form={form}
      />
    );
  }

  return new Hono<Env>()
    .get("/ledger", async (c) => {
      const viewer = requireViewer(c);
      const page = { ...web.page(c), viewer };
      if (!isOrganization(c))
        return render(c, <NeedsOrganizationPage page={page} title={c.get("t")("ledger.title")} />);
      const now = ctx.clock.now();
      const actorId = viewer.acting.id;
      const query = statementQuery(c);
      const [standing, over, held, history, lines, freeze, currency] = await Promise.all([
        balance(ctx, actorId),
        overflow(ctx, actorId),
        holds(ctx, actorId),
        balanceHistory(ctx, actorId, new Date(now.getTime() - YEAR)),
        statement(ctx, actorId, filterOf(query), parseId(c.req.query("before")), LINES),
        openFreeze(ctx),
        currencyOf(web),
      ]);
      const titles = await agreementTitles(
        ctx,
        [...held, ...lines.items].map(({ agreementId }) => agreementId),
      );
      return render(
        c,
        <LedgerPage
          page={page}
          currency={currency}
          balance={standing}
          excess={over.excess}
          holds={held}
          history={thinned(
            history.map(({ at, balance }) => ({ at, value: balance })),
            CHART_POINTS,
          )}
          now={now}
          query={query}
          statement={lines}
          titles={titles}
          frozen={freeze !== null}
        />,
      );
    })
    .get("/ledger/statement.csv", async (c) => {
      const viewer = requireViewer(c);
      if (!isOrganization(c)) throw new DomainError("organization_needed", "credits belong to organizations");
      const filter = periodOf(filterOf(statementQuery(c)), ctx.clock.now());
      const day = (date: Date) => date.toISOString().slice(0, 10);
      c.header("Content-Type", "text/csv; charset=utf-8; header=present");
      c.header(
        "Content-Disposition",
        `attachment; filename="${viewer.acting.handle}-${day(filter.from)}-${day(filter.to)}.csv"`,
      );
      return c.body(statementCsv(ctx, viewer.acting.id, filter, await currencyOf(web)));
    })
    .get("/ledger/donate", async (c) => {
      const viewer = requireViewer(c);
      if (isOrganization(c)) return render(c, await donatePage(c));
      const page = { ...web.page(c), viewer };
      return render(c, <NeedsOrganizationPage page={page} title={c.get("t")("ledger.donate")} />);
    })
    .post("/ledger/donate", (c) =>
      submitAs(
        web,
        c,
        async (acting, fields) => {
          await donate(ctx, acting, { amount: fields.amount ?? "", note: fields.note });
          return web.done(c, "/ledger", "notices.donated");
        },
        (form) => donatePage(c, form),
      ),
    )
    .get("/ledger/transfers/:id/return", async (c) => render(c, await returnPage(c)))
    .post("/ledger/transfers/:id/return", (c) =>
      submitAs(
        web,
        c,
        async (acting, fields) => {
          await returnCredits(ctx, acting, idOf(c), {
            amount: fields.amount ?? "",
            note: fields.note ?? "",
          });
          return web.done(c, "/ledger", "notices.credits_returned");
        },
        (form) => returnPage(c, form),
      ),
    )
    .get("/currency", (c) => c.redirect("/ledger/hub"))
    .get("/ledger/hub", async (c) => {
      const [totals, flows, policy, fund, currency, signed] = await Promise.all([
        hubTotals(ctx),
        flowsBySize(ctx),
        currentPolicy(ctx),
        fundStanding(ctx),
        currencyOf(web),
        lastTotals(ctx),
      ]);
      return render(
        c,
        <HubLedgerPage
          page={web.page(c)}
          currency={currency}
          totals={totals}
          flows={flows}
          policy={policy}
          waiting={fund.waiting}
          signed={signed}
        />,
      );
    });
}

/** The hub's credits, as the ledger's pages write them. */
export async function currencyOf({ ctx }: Web): Promise<Currency> {
  const hub = await localHub(ctx);
  return { name: hub.currencyName, symbol: hub.currencySymbol, scale: hub.currencyScale };
}

/** Does the viewer act for an organization now? Only those have credits. */
export function isOrganization(c: WebContext): boolean {
  return c.get("viewer")?.acting.kind === "Organization";
}

/** @throws DomainError not_found */
export function idOf(c: WebContext): Id {
  const id = parseId(c.req.param("id"));
  if (id === null) throw new DomainError("not_found", "no such thing");
  return id;
}

/** What the statement is narrowed to; what is not understood is left out. */
function statementQuery(c: WebContext): StatementQuery {
  const direction = c.req.query("direction");
  return {
    direction: direction === "in" || direction === "out" ? direction : null,
    kind: TRANSFER_KINDS.find((kind) => kind === c.req.query("kind")) ?? null,
    from: dayOf(c.req.query("from")),
    to: dayOf(c.req.query("to")),
  };
}

function dayOf(text: string | undefined): string | null {
  if (text === undefined || !/^[12][0-9]{3}-[0-9]{2}-[0-9]{2}$/.test(text)) return null;
  const day = new Date(`${text}T00:00:00Z`);
  return Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== text ? null : text;
}

/** Days of UTC, the last one whole. */
function filterOf({ direction, kind, from, to }: StatementQuery) {
  return {
    direction: direction ?? undefined,
    kind: kind ?? undefined,
    from: from === null ? undefined : new Date(`${from}T00:00:00.000Z`),
    to: to === null ? undefined : new Date(`${to}T23:59:59.999Z`),
  };
}
