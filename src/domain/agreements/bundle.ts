import { createHash } from "node:crypto";
import type { Id } from "../../db/ids.ts";
import type { Party } from "../../db/schema/agreements.ts";
import type { Ctx } from "../context.ts";
import { agreementById, signedSteps } from "./queries.ts";
import { otherParty } from "./rules.ts";

/** One party's signed words, as they came over the wire or were sent; or a hub's, which speaks for its stewards. */
export interface BundledConsent {
  /** What it said: the message of the rules, or of a steward `propose`, `agree`. */
  message: string;
  /** Whose words they are; of a steward's, whose hub it is. */
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
  /** Iris of their hubs, where stewards of these have spoken. */
  hubs?: { [party in Party]?: string | undefined } | undefined;
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
  const { iri, provider, receiver, between } = await agreementById(ctx, agreementId, viewer);
  const parties = { provider: provider.iri, receiver: receiver.iri };
  const own: Party = between?.side === "payer" ? "receiver" : "provider";
  const hubs: Partial<Record<Party, string>> = {};
  const consents: BundledConsent[] = [];
  const keys = new Map<string, ConsentBundle["keys"][number]>();
  for (const { message, activity, body, digest, proof, key, ...step } of await signedSteps(
    ctx,
    agreementId,
  )) {
    // What the other hub's clock says is nobody's consent.
    if (message === "lapse") continue;
    if (activity === null || body === null || digest === null || proof === null) continue;
    const steward = step.party === null;
    const party = step.party ?? (proof === "ours" ? own : otherParty(own));
    if (steward) hubs[party] = actorOf(body);
    const sha256 = createHash("sha256").update(body).digest("hex");
    consents.push({ message, party, activity, digest, sha256, body, proof });
    const id = keyIdOf(body);
    if (key !== null && id !== null)
      keys.set(`${id} ${key}`, {
        owner: (steward ? hubs[party] : null) ?? parties[party],
        id,
        publicKeyMultibase: key,
      });
  }
  return {
    ...{ type: "AyniAgreementConsents", agreement: iri, parties },
    ...(Object.keys(hubs).length === 0 ? {} : { hubs }),
    ...{ consents, keys: [...keys.values()] },
  };
}

/** Who says it, as was checked when it came. */
function actorOf(body: string): string {
  return (JSON.parse(body) as { actor: string }).actor;
}

function keyIdOf(body: string): string | null {
  const { proof } = JSON.parse(body) as { proof?: { verificationMethod?: unknown } };
  return typeof proof?.verificationMethod === "string" ? proof.verificationMethod : null;
}
