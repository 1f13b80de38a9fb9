/** A marketplace of other make: what FEP-0837 prints, term by term, and nothing of this project's. */
import { prove } from "./remote-proofs.ts";
import { AS2, type Json, PUBLIC, type Remote, type RemoteActor } from "./remote-server.ts";

/** The context as FEP-0837 prints it: `satisfies` and `resourceConformsTo` are plain strings. */
export const PRINTED_CONTEXT = [
  AS2,
  {
    vf: "https://w3id.org/valueflows/ont/vf#",
    om2: "http://www.ontology-of-units-of-measure.org/resource/om-2/",
    Proposal: "vf:Proposal",
    Intent: "vf:Intent",
    purpose: "vf:purpose",
    publishes: "vf:publishes",
    reciprocal: "vf:reciprocal",
    unitBased: "vf:unitBased",
    action: "vf:action",
    Agreement: "vf:Agreement",
    stipulates: "vf:stipulates",
    stipulatesReciprocal: "vf:stipulatesReciprocal",
    Commitment: "vf:Commitment",
    satisfies: "vf:satisfies",
    resourceConformsTo: "vf:resourceConformsTo",
    resourceQuantity: "vf:resourceQuantity",
    availableQuantity: "vf:availableQuantity",
    minimumQuantity: "vf:minimumQuantity",
    hasUnit: "om2:hasUnit",
    hasNumericalValue: "om2:hasNumericalValue",
  },
];

export interface Market {
  actor: RemoteActor;
  /** An activity of the actor, with a new id. */
  activity(type: string, fields: Json): Json;
  /** The same with the actor's proof (FEP-8b32). */
  proven(activity: Json, created?: Date): Json;
  /** Terms of so much of a proposal. */
  terms(proposal: string, quantity?: unknown, unit?: string): Json;
  offer(to: string, proposal: string, quantity?: unknown, unit?: string): Json;
  /** Says yes to an Offer, with an Agreement of the same quantities. */
  accept(offer: Json): Json;
  /** The proposing party's confirmation. */
  receipt(to: string, agreement: string): Json;
  /** Publishes a proposal. */
  proposal(purpose: "offer" | "request", fields?: Json): Json;
}

/** What an actor of the remote server says at its marketplace. */
export function market(remote: Remote, name: string): Market {
  const actor = remote.actor(name);
  let serial = 0;
  const next = (kind: string) => `${remote.origin}/${name}/${kind}/${++serial}`;

  function activity(type: string, fields: Json): Json {
    return { "@context": PRINTED_CONTEXT, type, id: next(type.toLowerCase()), actor: actor.iri, ...fields };
  }

  function commitment(satisfies: string, hasUnit: unknown, hasNumericalValue: unknown): Json {
    return { type: "Commitment", satisfies, resourceQuantity: { hasUnit, hasNumericalValue } };
  }

  const terms = (proposal: string, quantity: unknown = "2", unit = "hour"): Json => ({
    type: "Agreement",
    stipulates: commitment(`${proposal}#primary`, unit, quantity),
  });

  return {
    actor,
    activity,
    terms,
    proven: (said, created) =>
      prove(said, { id: actor.proofKeyId, privateKey: actor.proofPrivateKey }, created),
    offer: (to, proposal, quantity, unit) =>
      activity("Offer", { object: terms(proposal, quantity, unit), to: [to] }),
    accept(offer) {
      const { stipulates, stipulatesReciprocal } = offer.object as {
        stipulates: Json;
        stipulatesReciprocal?: Json;
      };
      const id = next("agreements");
      const finalize = (part: Json, fragment: string) => {
        const { hasUnit, hasNumericalValue } = part.resourceQuantity as Json;
        return { ...commitment(String(part.satisfies), hasUnit, hasNumericalValue), id: `${id}#${fragment}` };
      };
      const back = stipulatesReciprocal && {
        stipulatesReciprocal: finalize(stipulatesReciprocal, "reciprocal"),
      };
      return activity("Accept", {
        object: offer.id,
        result: {
          ...{ type: "Agreement", id, attributedTo: actor.iri, ...back },
          stipulates: finalize(stipulates, "primary"),
        },
        to: [offer.actor],
      });
    },
    receipt: (to, agreement) =>
      activity("Create", {
        object: {
          type: "Document",
          id: next("receipts"),
          name: "Receipt",
          attributedTo: actor.iri,
          context: agreement,
          to: [to],
        },
        to: [to],
      }),
    proposal(purpose, fields = {}) {
      const id = next("proposals");
      const object = {
        ...{ type: "Proposal", id, purpose, attributedTo: actor.iri, name: "Revisión de pares" },
        content: "<p>Una revisión</p>",
        published: new Date().toISOString(),
        publishes: {
          ...{ type: "Intent", id: `${id}#primary`, action: "deliverService" },
          resourceConformsTo: "https://www.wikidata.org/wiki/Q579716",
          resourceQuantity: { hasUnit: "hour", hasNumericalValue: "1" },
        },
        to: [PUBLIC],
        ...fields,
      };
      return activity("Create", { object, to: [PUBLIC] });
    },
  };
}
