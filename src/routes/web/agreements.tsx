import { randomUUID } from "node:crypto";
import { Hono } from "hono";
import { type Id, parseId } from "../../db/ids.ts";
import { actingAs, type Viewer } from "../../domain/accounts/queries.ts";
import { consentBundle } from "../../domain/agreements/bundle.ts";
import { offerAgreement, writeMessage } from "../../domain/agreements/commands.ts";
import { parseDue, parseQuantity } from "../../domain/agreements/input.ts";
import { previewOffer } from "../../domain/agreements/preview.ts";
import {
  agreementById,
  agreementList,
  agreementMessagesOf,
  agreementsWaiting,
  disputes,
  type FullAgreement,
} from "../../domain/agreements/queries.ts";
import { AGREEMENT_GROUPS } from "../../domain/agreements/rules.ts";
import { stewardingOf } from "../../domain/agreements/stewarding.ts";
import { parseAmount } from "../../domain/amounts.ts";
import type { Acting } from "../../domain/context.ts";
import { DomainError } from "../../domain/errors.ts";
import { once } from "../../domain/idempotency.ts";
import { returnable } from "../../domain/ledger/donate.ts";
import { currentPolicy } from "../../domain/ledger/policy.ts";
import { balance } from "../../domain/ledger/queries.ts";
import { usableVouchers } from "../../domain/ledger/vouchers.ts";
import { saveDocument } from "../../domain/media/commands.ts";
import { type ProposalView, proposalById } from "../../domain/proposals/queries.ts";
import { AgreementActionPage, type ExplainedAction } from "../../views/agreements/action-page.tsx";
import { type AgreementContext, AgreementPage } from "../../views/agreements/agreement-page.tsx";
import { AgreementsPage, DisputesPage } from "../../views/agreements/agreements-page.tsx";
import {
  NewAgreementPage,
  type Obstacle,
  type UsableVoucher,
} from "../../views/agreements/new-agreement-page.tsx";
import type { FormState } from "../../views/ui/page.ts";
import type { Env, WebContext } from "../env.ts";
import { requireViewer } from "../middleware/session.ts";
import { agreementActions, type Fields, missing, proposalTerms, voucherOf } from "./agreement-actions.ts";
import { asWhoeverMay, formFields, render, submit, type Web } from "./page.tsx";
import { withFiles } from "./uploads.ts";

/** Messages on a page, which may be long ones. */
const MESSAGES = 20;

export function agreementRoutes(web: Web) {
  const { ctx } = web;

  const routes = new Hono<Env>()
    .get("/agreements", async (c) => {
      const { acting } = requireViewer(c);
      const group = AGREEMENT_GROUPS.find((known) => known === c.req.query("group")) ?? "waiting";
      const [agreements, waiting] = await Promise.all([
        agreementList(ctx, acting.id, group, parseId(c.req.query("before"))),
        agreementsWaiting(ctx, acting.id),
      ]);
      return render(
        c,
        <AgreementsPage page={web.page(c)} group={group} agreements={agreements} waiting={waiting} />,
      );
    })
    .get("/agreements/new", async (c) => {
      requireViewer(c);
      return render(c, await newPage(c, parseId(c.req.query("proposal"))));
    })
    .post("/agreements", async (c) => {
      const viewer = requireViewer(c);
      const fields = await formFields(c);
      return submit(
        c,
        fields,
        async () => {
          const acting = await actingAs(ctx, viewer.accountId, fields.as ?? "");
          const location = await offer(acting, fields);
          return web.done(c, location, "notices.agreement_offered");
        },
        (form) => newPage(c, parseId(fields.proposal), form),
      );
    })
    .get("/agreements/:id", async (c) => render(c, await agreementPage(c, await visible(c))))
    .get("/agreements/:id/consents.json", async (c) => {
      const agreement = await visible(c);
      const { accountId, acting } = requireViewer(c);
      const { id, party } = agreement;
      const actorId = party === null ? acting.id : agreement[party].id;
      const bundle = await consentBundle(ctx, id, { accountId, actorId });
      return c.body(`${JSON.stringify(bundle, null, 2)}\n`, 200, {
        "content-type": "application/json",
        "content-disposition": `attachment; filename="agreement-${id}.json"`,
      });
    })
    .post("/agreements/:id/messages", async (c) => {
      const { accountId } = requireViewer(c);
      const agreement = await visible(c);
      return withFiles(ctx, c, (fields, filesOf) =>
        submit(
          c,
          fields,
          async () => {
            const acting = await actingAs(ctx, accountId, fields.as ?? "");
            // Before its file is kept: a stranger to it leaves nothing here.
            const { id } = await agreementById(ctx, agreement.id, acting);
            const [file] = filesOf("document");
            const mediaId =
              file === undefined ? null : await saveDocument(ctx, acting, file, { open: false });
            await writeMessage(ctx, acting, id, { content: fields.content ?? "", mediaId });
            return web.done(c, `/agreements/${id}#messages`, "notices.message_sent");
          },
          (form) => agreementPage(c, agreement, form),
        ),
      );
    })
    .get("/admin/disputes", async (c) => {
      if (requireViewer(c).role === "member") throw new DomainError("not_found", "no such page");
      return render(c, <DisputesPage page={web.page(c)} disputes={await disputes(ctx)} />);
    });

  for (const [name, { explained, notice, run }] of Object.entries(agreementActions(ctx))) {
    routes
      .get(`/agreements/:id/${name}`, async (c) => {
        const agreement = await visible(c);
        return explained !== null && agreement.possible.includes(explained)
          ? render(c, await actionPage(c, agreement, explained))
          : c.redirect(`/agreements/${agreement.id}`);
      })
      .post(`/agreements/:id/${name}`, async (c) => {
        const { accountId } = requireViewer(c);
        const fields = await formFields(c);
        const acting = await actingAs(ctx, accountId, fields.as ?? "");
        const agreement = await agreementById(ctx, agreementId(c), acting);
        return submit(
          c,
          fields,
          async () => {
            await run(acting, agreement, fields);
            return web.done(c, `/agreements/${agreement.id}`, notice);
          },
          async (form) => {
            // As it stands now: it may have failed because somebody was faster.
            const now = await agreementById(ctx, agreement.id, acting);
            const asked = explained !== null && fields.note !== undefined ? explained : null;
            return asked !== null && now.possible.includes(asked)
              ? actionPage(c, now, asked, form)
              : agreementPage(c, now, form);
          },
        );
      });
  }
  return routes;

  /** The agreement asked for, as whichever of the viewer's actors is a party to it, or else as a steward. */
  function visible(c: WebContext): Promise<FullAgreement> {
    const id = agreementId(c);
    const viewer = requireViewer(c);
    const { accountId } = viewer;
    return asWhoeverMay(viewer, (actor) => agreementById(ctx, id, { accountId, actorId: actor.id }));
  }

  /** Offers once, however often the form is sent. @returns where the agreement is */
  async function offer(acting: Acting, fields: Fields): Promise<string> {
    const { key = "", ...request } = fields;
    const proposalId = parseId(fields.proposal) ?? missing();
    const terms = await proposalById(ctx, proposalId, acting.actorId);
    const open = terms.settlement === "credit" && terms.unitBased === null;
    const input = {
      proposalId,
      revision: /^\d{1,9}$/.test(fields.revision ?? "") ? Number(fields.revision) : 0,
      quantity: parseQuantity("quantity", fields.quantity),
      amount: open ? parseAmount("amount", fields.amount ?? "", terms.currencyScale ?? 0) : null,
      due: parseDue(fields.due, ctx.clock.now()),
      note: fields.note,
      voucherId: voucherOf(fields.voucher),
    };
    const answer = await once(
      ctx,
      acting.actorId,
      key,
      `POST /agreements ${JSON.stringify(request)}`,
      async (ctx) => ({
        status: 303,
        location: `/agreements/${await offerAgreement(ctx, acting, input)}`,
        body: "",
      }),
    );
    return answer.location ?? "/agreements";
  }

  async function newPage(c: WebContext, proposalId: Id | null, form?: FormState) {
    const { acting } = requireViewer(c);
    const proposal = await proposalById(ctx, proposalId ?? missing(), acting.id);
    const { preview, obstacle } = await previewOf(proposal, acting);
    const pays = obstacle === null && proposal.settlement === "credit" && proposal.purpose === "offer";
    const [funds, vouchers, policy] = await Promise.all([
      pays ? balance(ctx, acting.id) : null,
      pays ? usable(acting.id) : [],
      currentPolicy(ctx),
    ]);
    // What was sent under a key already is not sent again under it with other words.
    const spent = form?.errors.some(({ code }) => code === "key_reused") ?? false;
    return (
      <NewAgreementPage
        page={web.page(c)}
        proposal={proposal}
        obstacle={obstacle}
        preview={preview}
        available={funds?.available ?? null}
        vouchers={vouchers}
        answerDays={policy.answerDays}
        idempotencyKey={spent ? randomUUID() : (form?.values.key ?? randomUUID())}
        form={form}
      />
    );
  }

  /** What it costs on both sides, where the other one is a peer's; and what stands in the way. */
  async function previewOf(proposal: ProposalView, acting: Viewer["acting"]) {
    const obstacle = obstacleOf(proposal, acting);
    if (obstacle !== null) return { preview: null, obstacle };
    try {
      return { preview: await previewOffer(ctx, proposal), obstacle };
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      return { preview: null, obstacle: error.code === "peering_paused" ? ("paused" as const) : ELSEWHERE };
    }
  }

  /** @param cost what vouchers are to cover, in minor units */
  async function contextOf(
    c: WebContext,
    agreement: FullAgreement,
    cost = agreement.amount ?? 0n,
  ): Promise<AgreementContext> {
    const { acting } = requireViewer(c);
    const { party, possible, settlement, provider, receiver, transferId } = agreement;
    const pays = party === "receiver" && settlement === "credit" && possible.includes("accept");
    const [funds, vouchers, policy, stewarding] = await Promise.all([
      pays ? balance(ctx, receiver.id) : null,
      pays ? usable(receiver.id) : [],
      currentPolicy(ctx),
      agreement.disputedBy === null ? null : stewardingOf(ctx, agreement.id),
    ]);
    const paid =
      party === "provider" && transferId !== null ? await returnable(ctx, provider.id, transferId) : null;
    return {
      page: web.page(c),
      agreement,
      as: party === null ? acting : agreement[party],
      available: funds?.available ?? null,
      returnable: paid?.amount ?? 0n,
      vouchers: vouchers.filter(({ approved }) => approved >= cost),
      disputeRule: policy.disputeRule,
      stewarding,
    };
  }

  async function agreementPage(c: WebContext, agreement: FullAgreement, form?: FormState) {
    const context = await contextOf(c, agreement);
    const messages = await agreementMessagesOf(
      ctx,
      agreement.id,
      context.as.id,
      parseId(c.req.query("before")),
      MESSAGES,
    );
    return <AgreementPage {...context} messages={messages} form={form} />;
  }

  async function actionPage(
    c: WebContext,
    agreement: FullAgreement,
    action: ExplainedAction,
    form?: FormState,
  ) {
    const [context, proposal] = await Promise.all([
      // Other terms may cost less.
      contextOf(c, agreement, action === "counter" ? 0n : undefined),
      action === "counter" ? proposalTerms(ctx, agreement) : null,
    ]);
    const openAmount = proposal?.settlement === "credit" && proposal.unitBased === null;
    return <AgreementActionPage {...context} action={action} openAmount={openAmount} form={form} />;
  }

  async function usable(organizationId: Id): Promise<UsableVoucher[]> {
    const vouchers = await usableVouchers(ctx, organizationId);
    return vouchers.flatMap(({ id, approved, expires }) =>
      approved === null ? [] : [{ id, approved, expires }],
    );
  }
}

const ELSEWHERE = "elsewhere" as const;

function obstacleOf(proposal: ProposalView, acting: Viewer["acting"]): Obstacle | null {
  if (proposal.own) return "own";
  if (proposal.state !== "open") return "closed";
  if (proposal.settlement !== "credit") return null;
  return acting.kind === "Organization" ? null : "person";
}

function agreementId(c: WebContext): Id {
  return parseId(c.req.param("id")) ?? missing();
}
