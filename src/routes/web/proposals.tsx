import { Hono } from "hono";
import { parseId } from "../../db/ids.ts";
import { actingAs } from "../../domain/accounts/queries.ts";
import { DomainError } from "../../domain/errors.ts";
import { localHub } from "../../domain/hubs/queries.ts";
import { CATEGORIES } from "../../domain/proposals/categories.ts";
import { publishProposal, withdrawProposal } from "../../domain/proposals/commands.ts";
import { proposalById, proposalList } from "../../domain/proposals/queries.ts";
import { PURPOSES, SETTLEMENTS, UNITS } from "../../domain/proposals/rules.ts";
import { POST_LANGUAGES } from "../../locales/index.ts";
import { ExchangePage } from "../../views/proposals/exchange-page.tsx";
import { NewProposalPage } from "../../views/proposals/new-proposal-page.tsx";
import { ConfirmWithdrawProposalPage, ProposalPage } from "../../views/proposals/proposal-page.tsx";
import type { FormState } from "../../views/ui/page.ts";
import type { Env, WebContext } from "../env.ts";
import { requireViewer } from "../middleware/session.ts";
import { choice, formFields, render, submit, type Web } from "./page.tsx";

export function proposalRoutes(web: Web) {
  const { ctx } = web;
  const viewerId = (c: WebContext) => c.get("viewer")?.acting.id ?? null;

  async function newPage(c: WebContext, purpose: string | undefined, form?: FormState) {
    const hub = await localHub(ctx);
    return (
      <NewProposalPage
        page={web.page(c)}
        purpose={purpose === "request" ? "request" : "offer"}
        currency={{ name: hub.currencyName, symbol: hub.currencySymbol }}
        form={form}
      />
    );
  }

  return new Hono<Env>()
    .get("/exchange", async (c) => {
      const purpose = PURPOSES.find((known) => known === c.req.query("purpose"));
      const category = CATEGORIES.find((known) => known === c.req.query("category"));
      const proposals = await proposalList(
        ctx,
        { purpose, category },
        viewerId(c),
        parseId(c.req.query("before")),
      );
      const filter = { purpose: purpose ?? null, category: category ?? null };
      return render(c, <ExchangePage page={web.page(c)} filter={filter} proposals={proposals} />);
    })
    .get("/proposals/new", async (c) => {
      const purpose = c.req.query("purpose");
      if (c.get("viewer") === null) {
        return c.redirect(
          `/login?next=${encodeURIComponent(`/proposals/new?purpose=${purpose === "request" ? "request" : "offer"}`)}`,
        );
      }
      return render(c, await newPage(c, purpose));
    })
    .post("/proposals", async (c) => {
      const viewer = requireViewer(c);
      const fields = await formFields(c);
      return submit(
        c,
        fields,
        async () => {
          const acting = await actingAs(ctx, viewer.accountId, fields.as ?? "");
          const id = await publishProposal(ctx, acting, {
            purpose: choice("purpose", fields.purpose, PURPOSES),
            name: fields.name ?? "",
            content: fields.content ?? "",
            category: fields.category ?? "",
            unit: choice("unit", fields.unit, UNITS),
            available: fields.available,
            minimum: fields.minimum,
            settlement: choice("settlement", fields.settlement, SETTLEMENTS),
            price: fields.price,
            location: fields.location,
            online: fields.online !== undefined,
            language: choice("language", fields.language ?? c.get("locale"), Object.keys(POST_LANGUAGES)),
            ends: fields.ends,
          });
          return web.done(c, `/proposals/${id}`, "notices.proposal_published");
        },
        (form) => newPage(c, fields.purpose, form),
      );
    })
    .get("/proposals/:id", async (c) => {
      const proposal = await proposalById(ctx, proposalId(c), viewerId(c));
      return render(c, <ProposalPage page={web.page(c)} proposal={proposal} />);
    })
    .get("/proposals/:id/withdraw", async (c) => {
      requireViewer(c);
      const proposal = await proposalById(ctx, proposalId(c), viewerId(c));
      if (!proposal.own) throw new DomainError("not_found", "no such proposal");
      return render(c, <ConfirmWithdrawProposalPage page={web.page(c)} proposal={proposal} />);
    })
    .post("/proposals/:id/withdraw", async (c) => {
      const viewer = requireViewer(c);
      const fields = await formFields(c);
      const acting = await actingAs(ctx, viewer.accountId, fields.as ?? "");
      await withdrawProposal(ctx, acting, proposalId(c));
      return web.done(c, "/exchange", "notices.proposal_withdrawn");
    })
    .get("/currency", (c) => c.redirect("/exchange"));
}

function proposalId(c: WebContext) {
  const id = parseId(c.req.param("id"));
  if (id === null) throw new DomainError("not_found", "no such proposal");
  return id;
}
