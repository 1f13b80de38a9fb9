import type { StewardStatement } from "../../domain/agreements/consents.ts";
import type { RemoteResolution } from "../../domain/agreements/stewards.ts";
import { htmlToText, plainToHtml } from "../../domain/html.ts";
import { cleanText } from "../../domain/validate.ts";
import type { JsonObject } from "../../json.ts";
import { iriOf, isObject } from "../envelope.ts";
import type { JsonObject as Read } from "../proofs.ts";
import { AGREEMENT_CONTEXT, AYNI, document } from "./context.ts";

/*
 * How stewards of two hubs propose to end a dispute: the one hub's actor offers it, the other one's accepts, and then each party creates
 * the same, which is its signature. Amounts are minor units of the payer's currency.
 */

/**
 * A steward of this hub proposes it, or agrees to what one of the other hub proposed. Stewards have no names on the wire: their hub speaks
 * for them, to the other hub.
 */
export function toStewardWord(origin: string, statement: StewardStatement, now: Date): JsonObject {
  const { type, id, actor, to, agreement, resolution, proposal } = statement;
  const { iri, payer, note, created } = resolution;
  const said = {
    id: `${origin}/activities/${id}`,
    type: type === "propose" ? "Offer" : "Accept",
    ...{ actor, published: now.toISOString(), to: [to], cc: [] },
  };
  const release = payer.toString();
  if (type === "agree")
    return document(AGREEMENT_CONTEXT, {
      ...{ ...said, object: iri, context: agreement, "ayni:release": release },
      ...(proposal === null ? {} : { "ayni:offerDigest": proposal }),
    });
  return document(AGREEMENT_CONTEXT, {
    ...said,
    object: {
      ...{ id: iri, type: ["Document", "ayni:Resolution"], attributedTo: actor, context: agreement },
      ...{ published: created.toISOString(), "ayni:release": release, content: plainToHtml(note) },
    },
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
export function readSigned(object: Read): { iri: string; agreement: string; payer: bigint } | null {
  const iri = iriOf(object["ayni:resolution"] ?? object[`${AYNI}resolution`]);
  const agreement = iriOf(object.context);
  const payer = readRelease(object);
  return iri === null || agreement === null || payer === null ? null : { iri, agreement, payer };
}

export function readRelease(object: Read): bigint | null {
  const release = object["ayni:release"] ?? object[`${AYNI}release`];
  return typeof release === "string" && /^(0|[1-9][0-9]{0,17})$/.test(release) ? BigInt(release) : null;
}
