import { z } from "@hono/zod-openapi";
import type { Id } from "../../db/ids.ts";
import { actorByAcct } from "../../domain/actors/queries.ts";
import type { Acting, Ctx } from "../../domain/context.ts";
import { DomainError } from "../../domain/errors.ts";
import { copiedHubs, hubOf } from "../../domain/peers/hubs.ts";
import { POST_MAX } from "../../domain/posts/rules.ts";
import {
  editProposal,
  pauseProposal,
  publishProposal,
  renewProposal,
  withdrawProposal,
} from "../../domain/proposals/commands.ts";
import { matchesFor } from "../../domain/proposals/matches.ts";
import { ownProposal } from "../../domain/proposals/own.ts";
import { exchange, homeOf, proposalById, proposalList } from "../../domain/proposals/queries.ts";
import { askQuestion, questionsOf } from "../../domain/proposals/questions.ts";
import type { ProposalInput } from "../../domain/proposals/rules.ts";
import { transact } from "../../domain/transact.ts";
import type { Api } from "./operation.ts";
import {
  CategoryKey,
  Country,
  FILTERS,
  Match,
  NewProposal,
  Proposal,
  ProposalChanges,
  Question,
  Tag,
  toInput,
  toMatch,
  toProposal,
  toQuestion,
} from "./proposal-schemas.ts";
import { ByHandle, ById, currencyOf, IdInput, Language, list, PAGE, PAGE_SIZE } from "./schemas.ts";

const tag = "Proposals";

const Search = z.strictObject({
  q: z.string().max(500).optional().openapi({ description: "Words that all occur in it." }),
  purpose: FILTERS.purpose.optional(),
  category: CategoryKey.optional(),
  settlement: FILTERS.settlement.optional(),
  language: Language.optional(),
  country: Country.optional(),
  online: z.enum(["true", "false"]).optional(),
  tag: Tag.optional(),
  hub: z.string().optional().openapi({
    description:
      "Whose: `here` for this hub's own, or the host of a hub whose proposals are copied here (`GET /peers`).",
    example: "hub.example",
  }),
  nearby: z.enum(["true"]).optional().openapi({
    description: "Those near the one who asks first, as far as its own proposals tell where it is.",
  }),
  near: z
    .string()
    .regex(/^[0-9]$/)
    .transform(Number)
    .optional()
    .openapi({ type: "string", description: "Cursor, beside `before`." }),
  ...PAGE,
});

/** Offers and needs: to search, to publish, to look after. */
export function proposalRoutes({ ctx, operation }: Api): void {
  const shown = async (ctx: Ctx, acting: Acting, id: Id) =>
    toProposal(await proposalById(ctx, id, acting.actorId));

  operation({
    method: "get",
    path: "/proposals",
    id: "searchProposals",
    tag,
    scope: "exchange:read",
    summary: "Search what is offered and needed now, on this hub and on others; newest first",
    query: Search,
    answer: z.array(Proposal),
    async run({ ctx, acting: { actorId }, query }) {
      const { q, nearby, near = 0, before = null, limit = PAGE_SIZE, online, hub, ...same } = query;
      const filter = {
        ...{ ...same, text: q, online: online === undefined ? undefined : online === "true" },
        hub: hub === undefined ? undefined : await hubNamed(ctx, hub),
      };
      const home = nearby === undefined ? null : await homeOf(ctx, actorId);
      const page = await exchange(ctx, filter, actorId, { before, near }, home, limit);
      const cursor = list(page).next;
      return {
        body: page.items.map(toProposal),
        next: cursor === null || home === null ? cursor : { ...cursor, near: String(page.near) },
      };
    },
  });

  operation({
    method: "post",
    path: "/proposals",
    id: "publishProposal",
    tag,
    scope: "exchange:write",
    summary: "Publish an offer or a need",
    body: NewProposal,
    example: {
      purpose: "offer",
      name: "Workshop on facilitation",
      content: "Three hours, up to twenty people.",
      category: "training.facilitation",
      unit: "hour",
      available: 12,
      settlement: "credit",
      price: { value: "100", currency: currencyOf(ctx) },
      online: true,
      language: "en",
      tags: ["facilitation"],
    },
    status: 201,
    answer: Proposal,
    async run({ ctx, acting, body }) {
      const { purpose, ...fields } = body;
      const input = { ...(await toInput(ctx, fields)), purpose } as ProposalInput;
      const id = await publishProposal(ctx, acting, input);
      return { body: await shown(ctx, acting, id), location: `/proposals/${id}` };
    },
  });

  operation({
    method: "get",
    path: "/proposals/matches",
    id: "getMatches",
    tag,
    scope: "exchange:read",
    summary:
      "What fits the one who asks: others' needs that fit its offers, others' offers that fit its needs, and why",
    answer: z.strictObject({ theyNeed: z.array(Match), theyOffer: z.array(Match) }),
    async run({ ctx, acting }) {
      const { theyNeed, theyOffer } = await matchesFor(ctx, acting.actorId);
      return { body: { theyNeed: theyNeed.map(toMatch), theyOffer: theyOffer.map(toMatch) } };
    },
  });

  operation({
    method: "get",
    path: "/proposals/{id}",
    id: "getProposal",
    tag,
    scope: "exchange:read",
    summary: "A proposal",
    params: ById,
    answer: Proposal,
    run: async ({ ctx, acting, params: { id } }) => ({ body: await shown(ctx, acting, id) }),
  });

  operation({
    method: "patch",
    path: "/proposals/{id}",
    id: "changeProposal",
    tag,
    scope: "exchange:write",
    summary: "Change a proposal of one's own: what is not named stays. Makes a new revision",
    description:
      "What was agreed on an older revision stays as it was agreed. The unit stays as long as something is promised in it.",
    params: ById,
    body: ProposalChanges,
    example: { available: 20, ends: null },
    answer: Proposal,
    async run({ ctx, acting, params: { id }, body: { revision, ...changes } }) {
      const fields = await toInput(ctx, changes);
      await transact(ctx, async (ctx) => {
        const { revision: current, ...known } = await ownProposal(ctx, acting, id);
        if (revision !== undefined && revision !== current)
          throw new DomainError("stale_proposal", `the proposal is at revision ${current}`);
        await editProposal(ctx, acting, id, { ...known, ...fields });
      });
      return { body: await shown(ctx, acting, id) };
    },
  });

  const actions = [
    [
      "pause",
      (ctx, acting, id) => pauseProposal(ctx, acting, id, true),
      "Take a proposal out of the exchange for a while",
    ],
    ["resume", (ctx, acting, id) => pauseProposal(ctx, acting, id, false), "Take a paused proposal up again"],
    ["renew", renewProposal, "Let a proposal stand for another half year"],
  ] as const satisfies [string, (ctx: Ctx, acting: Acting, id: Id) => Promise<unknown>, string][];
  for (const [action, command, summary] of actions) {
    operation({
      method: "post",
      path: `/proposals/{id}/${action}`,
      id: `${action}Proposal`,
      tag,
      scope: "exchange:write",
      summary,
      params: ById,
      answer: Proposal,
      async run({ ctx, acting, params: { id } }) {
        await command(ctx, acting, id);
        return { body: await shown(ctx, acting, id) };
      },
    });
  }

  operation({
    method: "post",
    path: "/proposals/{id}/withdraw",
    id: "withdrawProposal",
    tag,
    scope: "exchange:write",
    summary: "Withdraw a proposal for good",
    params: ById,
    status: 204,
    async run({ ctx, acting, params: { id } }) {
      await withdrawProposal(ctx, acting, id);
      return { body: null };
    },
  });

  operation({
    method: "get",
    path: "/organizations/{handle}/proposals",
    id: "listProposalsOf",
    tag,
    scope: "exchange:read",
    summary: "An organization's proposals, newest first; all of them for itself, the open ones for others",
    params: ByHandle,
    query: z.strictObject(PAGE),
    answer: z.array(Proposal),
    async run({ ctx, acting, params: { handle }, query: { before = null, limit = PAGE_SIZE } }) {
      const actor = await actorByAcct(ctx, handle);
      const page = await proposalList(ctx, { actorId: actor.id }, acting.actorId, before, limit);
      return list({ ...page, items: page.items.map(toProposal) });
    },
  });

  operation({
    method: "get",
    path: "/proposals/{id}/questions",
    id: "listQuestions",
    tag,
    scope: "exchange:read",
    summary: "What was asked about a proposal, and answered; public, oldest first",
    params: ById,
    answer: z.array(Question),
    async run({ ctx, acting, params: { id } }) {
      await proposalById(ctx, id, acting.actorId);
      return { body: ((await questionsOf(ctx, id, acting.actorId)) ?? []).map(toQuestion) };
    },
  });

  operation({
    method: "post",
    path: "/proposals/{id}/questions",
    id: "askQuestion",
    tag,
    scope: "exchange:write",
    summary: "Ask something about a proposal, or answer a question; both are public",
    description: "A question is answered by the proposal's author, or by the one who asked it.",
    params: ById,
    body: z.strictObject({
      content: z.string().min(1).max(POST_MAX).openapi({ description: "Plain text." }),
      language: Language,
      question: IdInput.optional().openapi({ description: "The one that is answered." }),
    }),
    example: { content: "Could it be on a Saturday?", language: "en" },
    status: 201,
    answer: z.array(Question),
    async run({ ctx, acting, params: { id }, body: { content, language, question } }) {
      await askQuestion(ctx, acting, id, { content, language, question: question ?? null });
      const questions = (await questionsOf(ctx, id, acting.actorId)) ?? [];
      return { body: questions.map(toQuestion), location: `/proposals/${id}/questions` };
    },
  });
}

/** This hub or a peer. @throws DomainError invalid */
async function hubNamed(ctx: Ctx, text: string): Promise<"here" | Id> {
  const hub = hubOf(text, await copiedHubs(ctx));
  if (hub === undefined)
    throw new DomainError("invalid", "no hub of this host is copied here", { field: "hub" });
  return hub;
}
