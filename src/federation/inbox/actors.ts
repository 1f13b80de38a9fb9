import { type Delete, Tombstone, type Update } from "@fedify/vocab";
import { receiveOnce } from "../../domain/activities/commands.ts";
import { removeRemoteActor } from "../../domain/actors/commands.ts";
import { findActor } from "../../domain/actors/queries.ts";
import { DomainError } from "../../domain/errors.ts";
import { copiedPeer } from "../../domain/peers/copied.ts";
import type { Federation, InboxData } from "../context.ts";

/**
 * A remote actor looks different: its server is asked, since that is where the truth is, and its keys are forgotten. One that is
 * not known here may be a peer's new organization.
 */
export async function onActorUpdate({ ctx, remote, forgetKeys }: InboxData, update: Update): Promise<void> {
  const iri = update.actorId?.href;
  if (iri === undefined) return;
  const known = await findActor(ctx, iri);
  if (known === null && (await copiedPeer(ctx, new URL(iri).origin)) === null) return;
  await forgetKeys(iri);
  await remote.refreshActor(iri);
}

/** A remote actor is gone: believed at once when it says so itself and its server no longer serves it. */
export async function onActorDelete(
  { ctx, check, remote, forgetKeys }: InboxData,
  remove: Delete,
): Promise<void> {
  const activityIri = check(remove.id);
  const iri = remove.actorId?.href;
  if (activityIri === null || iri === undefined) return;
  const actor = await findActor(ctx, iri);
  if (actor === null || actor.host === null) return;
  const gone = await isGone(remote, iri);
  await forgetKeys(iri);
  if (!gone) return;
  await receiveOnce(ctx, activityIri, (ctx) => removeRemoteActor(ctx, iri));
}

/** Does its own server say that there is no such actor any more? @throws DomainError remote_unreachable */
export function isGone(remote: Federation["remote"], iri: string): Promise<boolean> {
  return remote.fetchObject(iri).then(
    ({ object }) => object instanceof Tombstone,
    (error: unknown) => {
      if (error instanceof DomainError && ["remote_not_found", "gone", "remote_invalid"].includes(error.code))
        return true;
      throw error;
    },
  );
}
