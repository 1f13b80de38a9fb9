import { type Delete, Tombstone, type Update } from "@fedify/vocab";
import { receiveOnce } from "../../domain/activities/commands.ts";
import { removeRemoteActor } from "../../domain/actors/commands.ts";
import { findActor } from "../../domain/actors/queries.ts";
import { DomainError } from "../../domain/errors.ts";
import type { InboxData } from "../context.ts";

/** A remote actor looks different: its server is asked, since that is where the truth is, and its keys are forgotten. */
export async function onActorUpdate({ ctx, remote, forgetKeys }: InboxData, update: Update): Promise<void> {
  const iri = update.actorId?.href;
  if (iri === undefined || (await findActor(ctx, iri)) === null) return;
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
  const stillThere = await remote.fetchObject(iri).then(
    ({ object }) => !(object instanceof Tombstone),
    (error: unknown) => {
      if (error instanceof DomainError && ["remote_not_found", "gone", "remote_invalid"].includes(error.code))
        return false;
      throw error;
    },
  );
  await forgetKeys(iri);
  if (stillThere) return;
  await receiveOnce(ctx, activityIri, (ctx) => removeRemoteActor(ctx, iri));
}
