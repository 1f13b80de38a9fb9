import type { Id } from "../../db/ids.ts";
import type { Ctx } from "../../domain/context.ts";
import { outgoingProposal } from "../../domain/proposals/queries.ts";
import { toActivity, toTombstone } from "../vocab/activities.ts";
import { PROPOSAL_CONTEXT } from "../vocab/context.ts";
import { addressing } from "../vocab/posts.ts";
import { toProposal } from "../vocab/proposals.ts";
import type { Outgoing } from "./index.ts";

/** The companion Note has an event of its own (`post.published`), after this one. */
export async function onProposalPublished(ctx: Ctx, proposalId: Id, iri: string): Promise<Outgoing | null> {
  const proposal = await outgoingProposal(ctx, proposalId);
  if (proposal === null || proposal.deleted !== null) return null;
  const activity = toActivity(
    {
      id: iri,
      type: "Create",
      actor: proposal.actorIri,
      object: toProposal(proposal, ctx.hub.origin),
      published: proposal.published,
      ...addressing("public", proposal.followers),
    },
    PROPOSAL_CONTEXT,
  );
  return {
    actorId: proposal.actorId,
    activity,
    object: proposal.iri,
    audience: "public",
    recipients: { followersOf: proposal.actorId, peers: true },
  };
}

/** Also where it was paused or renewed: whoever keeps a copy has to know. */
export async function onProposalChanged(ctx: Ctx, proposalId: Id, iri: string): Promise<Outgoing | null> {
  const proposal = await outgoingProposal(ctx, proposalId);
  if (proposal === null || proposal.deleted !== null) return null;
  const activity = toActivity(
    {
      id: iri,
      type: "Update",
      actor: proposal.actorIri,
      object: toProposal(proposal, ctx.hub.origin),
      ...(proposal.updated === null ? {} : { published: proposal.updated }),
      ...addressing("public", proposal.followers),
    },
    PROPOSAL_CONTEXT,
  );
  return {
    actorId: proposal.actorId,
    activity,
    object: proposal.iri,
    audience: "public",
    recipients: { followersOf: proposal.actorId, peers: true },
  };
}

export async function onProposalWithdrawn(ctx: Ctx, proposalId: Id, iri: string): Promise<Outgoing | null> {
  const proposal = await outgoingProposal(ctx, proposalId);
  if (proposal?.deleted == null) return null;
  const activity = toActivity({
    id: iri,
    type: "Delete",
    actor: proposal.actorIri,
    object: toTombstone(proposal.iri, "Proposal", proposal.deleted),
    ...addressing("public", proposal.followers),
  });
  return {
    actorId: proposal.actorId,
    activity,
    object: proposal.iri,
    audience: "direct",
    recipients: { followersOf: proposal.actorId, peers: true },
    retracts: true,
  };
}
