import type { OutgoingResolution } from "../../domain/agreements/stewarding.ts";
import type { RemoteResolution } from "../../domain/agreements/stewards.ts";
import { htmlToText, plainToHtml } from "../../domain/html.ts";
import { cleanText } from "../../domain/validate.ts";
import type { JsonObject } from "../../json.ts";
import { iriOf, isObject } from "../envelope.ts";
import { AGREEMENT_CONTEXT, AYNI, document } from "./context.ts";

/*
 * How stewards of two hubs propose to end a dispute: the one hub's actor offers it, the other one's accepts, and then each party creates
 * the same, which is its signature. Amounts are minor units of the payer's currency.
 */

/** A steward of this hub proposes it. */
export function toProposed(iri: string, resolution: OutgoingResolution): JsonObject {
  const { hub, peer, agreement, payer, note, created } = resolution;
  return document(AGREEMENT_CONTEXT, {
    ...{ id: iri, type: "Offer", actor: hub.iri, to: [peer.iri], cc: [] },
    object: {
      ...{
        id: resolution.iri,
        type: ["Document", "ayni:Resolution"],
        attributedTo: hub.iri,
        context: agreement,
      },
      ...{ published: created.toISOString(), "ayni:release": payer.toString(), content: plainToHtml(note) },
    },
  });
}

/** A steward of this hub agrees to what one of the other hub proposed. */
export function toAgreed(iri: string, { hub, peer, payer, ...resolution }: OutgoingResolution): JsonObject {
  return document(AGREEMENT_CONTEXT, {
    ...{ id: iri, type: "Accept", actor: hub.iri, to: [peer.iri], cc: [] },
    ...{ object: resolution.iri, "ayni:release": payer.toString() },
  });
}

/** Is this how to end a dispute? */
export function isResolution(object: unknown): object is JsonObject {
  return (
    isObject(object) &&
    [object.type].flat().some((type) => type === "ayni:Resolution" || type === `${AYNI}Resolution`)
  );
}

/** What is proposed; null when it cannot be read. */
export function readProposed(object: JsonObject): RemoteResolution | null {
  const iri = iriOf(object);
  const agreement = iriOf(object.context);
  const payer = readRelease(object);
  const proposed = new Date(String(object.published));
  if (iri === null || agreement === null || payer === null || Number.isNaN(proposed.getTime())) return null;
  const content = typeof object.content === "string" ? object.content.slice(0, 20_000) : "";
  const note = [...htmlToText(cleanText(content))].slice(0, 1000).join("").trim();
  return { iri, agreement, payer, note, proposed };
}

/** Which proposal a party signs; null when it names none. */
export function readSigned(object: JsonObject): { iri: string; agreement: string; payer: bigint } | null {
  const iri = iriOf(object["ayni:resolution"] ?? object[`${AYNI}resolution`]);
  const agreement = iriOf(object.context);
  const payer = readRelease(object);
  return iri === null || agreement === null || payer === null ? null : { iri, agreement, payer };
}

export function readRelease(object: JsonObject): bigint | null {
  const release = object["ayni:release"] ?? object[`${AYNI}release`];
  return typeof release === "string" && /^(0|[1-9][0-9]{0,17})$/.test(release) ? BigInt(release) : null;
}
