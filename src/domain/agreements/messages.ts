import { and, asc, eq, isNotNull } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { agreementMessages, agreementSteps, agreements } from "../../db/schema/agreements.ts";
import { actorById } from "../actors/queries.ts";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { localHub } from "../hubs/queries.ts";
import { notify } from "../notices/commands.ts";
import { findPeer } from "../peers/queries.ts";
import { lockAgreement, partyActor } from "./load.ts";
import { agreementByIri, stepOf } from "./remote.ts";

/*
 * What is written in an agreement with somebody elsewhere: the one party's words go to the other one, and those of stewards, who have no
 * names on the wire, from their hub to the other hub.
 */

/** A message as it goes to another server; null when it is for nobody elsewhere, or has no words. */
export async function outgoingMessage(ctx: Ctx, id: Id) {
  const [row] = await ctx.db
    .select({
      agreementId: agreements.id,
      agreement: agreements.iri,
      providerId: agreements.providerId,
      receiverId: agreements.receiverId,
      peerId: agreements.peerId,
      authorId: agreementMessages.authorId,
      content: agreementMessages.content,
      created: agreementMessages.created,
    })
    .from(agreementMessages)
    .innerJoin(agreements, eq(agreements.id, agreementMessages.agreementId))
    .where(eq(agreementMessages.id, id));
  if (row === undefined || row.content === "") return null;
  const { agreement, agreementId, content, created, providerId, receiverId, authorId, peerId } = row;
  const steward = authorId !== providerId && authorId !== receiverId;
  if (steward && peerId === null) return null;
  const [actorId, otherId] =
    steward && peerId !== null
      ? [(await localHub(ctx)).actorId, (await findPeer(ctx, peerId)).actorId]
      : [authorId, authorId === providerId ? receiverId : providerId];
  const [author, other] = [await actorById(ctx, actorId), await actorById(ctx, otherId)];
  if (other.host === null) return null;
  // Until it was accepted each hub calls the agreement by a name of its own; the first Offer is the same to both.
  const [first] = await ctx.db
    .select({ activity: agreementSteps.activity })
    .from(agreementSteps)
    .where(and(eq(agreementSteps.agreementId, agreementId), isNotNull(agreementSteps.activity)))
    .orderBy(asc(agreementSteps.id))
    .limit(1);
  return { agreement, offer: first?.activity ?? null, content, created, author, other };
}

export type OutgoingMessage = NonNullable<Awaited<ReturnType<typeof outgoingMessage>>>;

/** The agreement that somebody elsewhere writes about, by its name or by its first Offer; null when none such is known here. */
export async function agreementWritten(
  ctx: Ctx,
  { agreement, offer }: { agreement: string | null; offer: string | null },
): Promise<Id | null> {
  const named = agreement === null ? null : await agreementByIri(ctx, agreement);
  if (named !== null) return named.id;
  return offer === null ? null : ((await stepOf(ctx, offer))?.agreementId ?? null);
}

/**
 * The other party writes; or in a dispute with a peer's organization that peer's own actor, for its stewards.
 *
 * @param to whom it is addressed to
 * @throws DomainError not_found: it is neither of them, or addressed to somebody else
 */
export async function receiveMessage(
  ctx: Ctx,
  author: { id: Id },
  agreementId: Id,
  { to, content }: { to: string; content: string },
): Promise<void> {
  const { row, provider, receiver, proposal } = await lockAgreement(ctx, agreementId);
  const [own, other] = provider.host === null ? [provider, receiver] : [receiver, provider];
  const between = other.id !== author.id;
  if (between) await requirePeersActor(ctx, row, author.id);
  const reader = between ? `${ctx.hub.origin}/actor` : own.iri;
  if (own.host !== null || to !== reader) throw new DomainError("not_found", "no such agreement");
  const from = between ? await partyActor(ctx, author.id) : other;
  const now = ctx.clock.now();
  await ctx.db.insert(agreementMessages).values({
    ...{ id: await ctx.ids.next(now), agreementId, authorId: author.id, content, created: now },
  });
  await notify(ctx, own.id, "agreement_message", `/agreements/${agreementId}`, {
    actor: from.name || from.handle,
    title: proposal.name,
  });
}

async function requirePeersActor(
  ctx: Ctx,
  { peerId, state }: { peerId: Id | null; state: string },
  actorId: Id,
): Promise<void> {
  const peer = peerId === null || state !== "disputed" ? null : await findPeer(ctx, peerId);
  const speaks = peer?.actorId === actorId && ["active", "draining"].includes(peer.state);
  if (!speaks) throw new DomainError("not_found", "no such agreement");
}
