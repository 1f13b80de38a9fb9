import type { JsonObject } from "../../json.ts";

/** The public, spelled out: Lemmy and others do not know `as:Public`. */
export const PUBLIC = "https://www.w3.org/ns/activitystreams#Public";

export const AYNI = "https://ayni.example/ns#";
/** The clearing protocol and its version, as hubs say that they speak it (FEP-844e). */
export const AEC = "https://ayni.example/ns/aec/v1";

/** Everything that an actor document says. */
export const ACTOR_CONTEXT = [
  "https://www.w3.org/ns/activitystreams",
  "https://w3id.org/security/v1",
  "https://w3id.org/security/multikey/v1",
  {
    toot: "http://joinmastodon.org/ns#",
    manuallyApprovesFollowers: "as:manuallyApprovesFollowers",
    discoverable: "toot:discoverable",
    indexable: "toot:indexable",
    webfinger: { "@id": "https://purl.archive.org/socialweb/webfinger#webfinger" },
    implements: { "@id": "https://w3id.org/fep/844e#implements", "@type": "@id", "@container": "@set" },
  },
];

/** The hub's own actor: with where it settles with other hubs. */
export const HUB_CONTEXT = [
  ...ACTOR_CONTEXT,
  { ayni: AYNI, "ayni:clearing": { "@id": "ayni:clearing", "@type": "@id" } },
];

/** Posts, follows, and every activity: with the terms of its proof (FEP-8b32). */
export const ACTIVITY_CONTEXT = [
  "https://www.w3.org/ns/activitystreams",
  "https://w3id.org/security/data-integrity/v2",
  { sensitive: "as:sensitive", Hashtag: "as:Hashtag" },
];

/**
 * FEP-0837 with typed terms: without `"@type": "@id"` on `resourceConformsTo` and `satisfies` the
 * printed examples cannot be read by some implementations.
 */
export const PROPOSAL_CONTEXT = [
  "https://www.w3.org/ns/activitystreams",
  "https://w3id.org/security/data-integrity/v2",
  {
    vf: "https://w3id.org/valueflows/ont/vf#",
    om2: "http://www.ontology-of-units-of-measure.org/resource/om-2/",
    ayni: AYNI,
    Hashtag: "as:Hashtag",
    Proposal: "vf:Proposal",
    Intent: "vf:Intent",
    purpose: "vf:purpose",
    publishes: "vf:publishes",
    reciprocal: "vf:reciprocal",
    unitBased: "vf:unitBased",
    action: "vf:action",
    resourceConformsTo: { "@id": "vf:resourceConformsTo", "@type": "@id" },
    resourceQuantity: "vf:resourceQuantity",
    availableQuantity: "vf:availableQuantity",
    minimumQuantity: "vf:minimumQuantity",
    hasUnit: "om2:hasUnit",
    hasNumericalValue: "om2:hasNumericalValue",
  },
];

/** FEP-0837's agreements, and the events of Valueflows that carry them out. */
export const AGREEMENT_CONTEXT = [
  "https://www.w3.org/ns/activitystreams",
  "https://w3id.org/security/data-integrity/v2",
  {
    vf: "https://w3id.org/valueflows/ont/vf#",
    om2: "http://www.ontology-of-units-of-measure.org/resource/om-2/",
    ayni: AYNI,
    Agreement: "vf:Agreement",
    Commitment: "vf:Commitment",
    EconomicEvent: "vf:EconomicEvent",
    action: "vf:action",
    stipulates: "vf:stipulates",
    stipulatesReciprocal: "vf:stipulatesReciprocal",
    satisfies: { "@id": "vf:satisfies", "@type": "@id" },
    fulfills: { "@id": "vf:fulfills", "@type": "@id" },
    realizationOf: { "@id": "vf:realizationOf", "@type": "@id" },
    resourceQuantity: "vf:resourceQuantity",
    hasUnit: "om2:hasUnit",
    hasNumericalValue: "om2:hasNumericalValue",
  },
];

/** What hubs sign for one another when they settle (docs/clearing.md). Every such document has exactly this context. */
export const CLEARING_CONTEXT = [
  "https://www.w3.org/ns/activitystreams",
  "https://w3id.org/security/data-integrity/v2",
  {
    vf: "https://w3id.org/valueflows/ont/vf#",
    ayni: AYNI,
    EconomicEvent: "vf:EconomicEvent",
    action: "vf:action",
  },
];

/** A document of its own: with the context in front. */
export function document(context: readonly (string | object)[], object: JsonObject): JsonObject {
  return { "@context": structuredClone(context) as JsonObject[], ...object };
}
