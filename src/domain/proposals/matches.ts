import { and, ne } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { type Purpose, proposals } from "../../db/schema/proposals.ts";
import type { Ctx } from "../context.ts";
import { type Reason, reasonFor } from "./matching-rules.ts";
import { type ProposalView, proposalList, proposalsByIds } from "./queries.ts";
import { anyOf, categoryFacet, type Facet, findProposals, foldText, tagsFacet } from "./search.ts";

/** Something of somebody else that fits something of one's own, and why. */
export interface Match {
  proposal: ProposalView;
  mine: ProposalView;
  reason: Reason;
}

export interface Matches {
  theyNeed: Match[];
  theyOffer: Match[];
}

/** How many of one's own newest are looked at, how many of the others' that could fit, and how many are shown. */
const OWN = 30;
const CANDIDATES = 30;
const SHOWN = 3;

/** Others' open needs that fit an actor's open offers, and their offers that fit its needs; the best few of the newest. */
export async function matchesFor(ctx: Ctx, actorId: Id): Promise<Matches> {
  const { items } = await proposalList(ctx, { actorId }, null, null, OWN);
  const [theyNeed, theyOffer] = await Promise.all([
    fitting(
      ctx,
      actorId,
      "request",
      items.filter(({ purpose }) => purpose === "offer"),
    ),
    fitting(
      ctx,
      actorId,
      "offer",
      items.filter(({ purpose }) => purpose === "request"),
    ),
  ]);
  return { theyNeed, theyOffer };
}

async function fitting(ctx: Ctx, actorId: Id, purpose: Purpose, own: ProposalView[]): Promise<Match[]> {
  const common = facetsOf(own);
  if (common.length === 0) return [];
  const any = anyOf(common);
  const near = { query: any.query, condition: and(ne(proposals.actorId, actorId), any.condition) };
  const ids = await findProposals(
    ctx,
    { purpose },
    { viewerId: null, near, before: null, limit: CANDIDATES },
  );
  const candidates = await proposalsByIds(ctx, ids, null);
  const matches = candidates.flatMap((proposal) => {
    const fits = own
      .map((mine) => ({ mine, reason: reasonFor(mine, proposal, foldText) }))
      .filter((fit): fit is { mine: ProposalView; reason: Reason } => fit.reason !== null)
      .sort((a, b) => b.reason.score - a.reason.score);
    return fits[0] === undefined ? [] : [{ proposal, ...fits[0] }];
  });
  // Stable: of equals the newest is first.
  return matches.sort((a, b) => b.reason.score - a.reason.score).slice(0, SHOWN);
}

function facetsOf(own: readonly ProposalView[]): Facet[] {
  const categories = new Set(own.map(({ category }) => category).filter((key) => key !== null));
  const tags = new Set(own.flatMap((proposal) => proposal.tags).map(foldText));
  return [
    ...[...categories].map(categoryFacet),
    ...(tags.size === 0 ? [] : [tagsFacet([...tags].slice(0, 40))]),
  ];
}
