import { createHash } from "node:crypto";
import type { Id } from "../../db/ids.ts";
import type { Party } from "../../db/schema/agreements.ts";
import type { Ctx } from "../context.ts";
import { agreementById, signedSteps } from "./queries.ts";

/** One party's signed words, as they came over the wire or were sent. */
export interface BundledConsent {
  /** What it said: the message of the rules. */
  message: string;
  party: Party;
  /** The activity's iri. */
  activity: string;
  /** Multihash of the canonical JSON (RFC 8785), by which later consents name this one. */
  digest: string;
  /** SHA-256 of the very bytes, in hexadecimal. */
  sha256: string;
  /** Byte for byte. */
  body: string;
  /** `ours`: proven here; `verified`: proven elsewhere and checked when it came; `none`: it came without a proof. */
  proof: "ours" | "verified" | "none";
}

/** What two organizations agreed on, with all that is needed to check it without this hub and without a network. */
export interface ConsentBundle {
  type: "AyniAgreementConsents";
  /** The agreement's iri. */
  agreement: string;
  /** Iris of the two actors. */
  parties: Record<Party, string>;
  /** Oldest first. */
  consents: BundledConsent[];
  /** The keys that the proofs were made with, as they were then. */
  keys: { owner: string; id: string; publicKeyMultibase: string }[];
}

/**
 * The signed consents of an agreement, for one of its parties (or in a dispute a steward) to keep and to check
 * (`ayni agreement verify`). Whoever has it can prove what was said: it is for people who may see the agreement.
 *
 * @throws DomainError not_found, also when it is not the viewer's to see
 */
export async function consentBundle(
  ctx: Ctx,
  agreementId: Id,
  viewer: { accountId: Id; actorId: Id },
): Promise<ConsentBundle> {
  const { iri, provider, receiver } = await agreementById(ctx, agreementId, viewer);
  const parties = { provider: provider.iri, receiver: receiver.iri };
  const consents: BundledConsent[] = [];
  const keys = new Map<string, ConsentBundle["keys"][number]>();
  for (const { message, party, activity, body, digest, proof, key } of await signedSteps(ctx, agreementId)) {
    // What the other hub's clock says is nobody's consent.
    if (message === "lapse") continue;
    if (party === null || activity === null || body === null || digest === null || proof === null) continue;
    const sha256 = createHash("sha256").update(body).digest("hex");
    consents.push({ message, party, activity, digest, sha256, body, proof });
    const id = keyIdOf(body);
    if (key !== null && id !== null)
      keys.set(`${id} ${key}`, { owner: parties[party], id, publicKeyMultibase: key });
  }
  return { type: "AyniAgreementConsents", agreement: iri, parties, consents, keys: [...keys.values()] };
}

function keyIdOf(body: string): string | null {
  const { proof } = JSON.parse(body) as { proof?: { verificationMethod?: unknown } };
  return typeof proof?.verificationMethod === "string" ? proof.verificationMethod : null;
}
