import { z } from "zod";
import type { OutgoingReview } from "../../domain/reviews/outgoing.ts";
import type { RemoteDigest, RemoteOpening, RemoteReview } from "../../domain/reviews/receive.ts";
import type { JsonObject } from "../../json.ts";
import { iriOf, MAX_IRI } from "../envelope.ts";
import { decodeBase58, encodeBase58 } from "../proofs.ts";
import { AGREEMENT_CONTEXT, AYNI, document } from "./context.ts";

/*
 * A review of an exchange between two hubs goes to the other party's hub twice: sealed, as a digest, and when it is opened with all that
 * the digest is of. Neither is a Document: FEP-0837 confirms an agreement by one.
 */

interface Envelope {
  /** The activity's id. */
  iri: string;
  review: OutgoingReview;
}

/** A review as its digest: it binds its author, and tells nobody anything. */
export function toSealed({ iri, review }: Envelope): JsonObject {
  return create(iri, review, "ayni:SealedReview", { "ayni:reviewDigest": toMultibase(review.digest) });
}

/** A review that is opened, for the hub of the one it is about: with its scores, which are not published. */
export function toOpening({ iri, review }: Envelope): JsonObject {
  const { content, language, salt, keptWord, quality, communication } = review;
  return create(iri, review, "ayni:Review", {
    "ayni:keptWord": keptWord,
    "ayni:quality": quality,
    "ayni:communication": communication,
    ...(content === null ? {} : { content, mediaType: "text/plain" }),
    ...(language === null ? {} : { "ayni:language": language }),
    "ayni:salt": salt ?? "",
  });
}

function create(iri: string, review: OutgoingReview, type: string, rest: JsonObject): JsonObject {
  const { author, about, agreement, role, settlement } = review;
  return document(AGREEMENT_CONTEXT, {
    ...{ id: iri, type: "Create", actor: author, to: [about], cc: [] },
    object: {
      ...{ id: review.iri, type, attributedTo: author, context: agreement },
      ...{ "ayni:about": { id: about }, "ayni:role": role },
      ...(settlement === null ? {} : { "ayni:settlement": settlement }),
      ...rest,
    },
  });
}

const iri = z
  .unknown()
  .transform((value) => iriOf(value))
  .pipe(z.string().max(MAX_IRI));
const multibase = z.string().max(100);
const common = z.object({
  id: iri,
  attributedTo: iri,
  context: iri,
  about: iri,
  role: z.enum(["provider", "receiver"]),
  settlement: multibase.nullish(),
});
const score = z.int().min(1).max(5);
const sealed = common.extend({
  reviewDigest: z
    .string()
    .max(100)
    .transform((text) => fromMultibase(text))
    .pipe(z.string()),
});
const opened = common.extend({
  ...{ keptWord: score, quality: score, communication: score },
  content: z.string().max(20_000).nullish(),
  language: z
    .string()
    .regex(/^[A-Za-z0-9-]{2,35}$/)
    .nullish(),
  salt: z.string().max(100),
});

type Said = Omit<RemoteReview, "author">;
/** Which review it is of whom; `author`: an iri, and nothing that was verified. */
export type ParsedReview = { author: string } & (
  | ({ type: "sealed" } & Said & Pick<RemoteDigest, "digest">)
  | ({ type: "opened" } & Said & Omit<RemoteOpening, keyof RemoteReview>)
);

/** Is this a review for the other party's hub, sealed or open? */
export function isReview(object: JsonObject): boolean {
  return typeOf(object) !== null;
}

/** What such a review says; null when something in it is not as it should be. */
export function readReview(object: JsonObject): ParsedReview | null {
  const terms = Object.fromEntries(
    Object.entries(object).map(([name, value]) => [name.replace(/^ayni:/, "").replace(AYNI, ""), value]),
  );
  const of = ({ id, attributedTo, context, about, role, settlement }: z.output<typeof common>) => ({
    ...{ iri: id, author: attributedTo, agreement: context, about, role },
    settlement: settlement ?? null,
  });
  if (typeOf(object) === "sealed") {
    const { data } = sealed.safeParse(terms);
    return data === undefined ? null : { type: "sealed", ...of(data), digest: data.reviewDigest };
  }
  const { data } = opened.safeParse(terms);
  if (data === undefined) return null;
  const { keptWord, quality, communication, content, language, salt } = data;
  return {
    ...{ type: "opened", ...of(data), keptWord, quality, communication, salt },
    ...{ content: content ?? null, language: language ?? null },
  };
}

function typeOf({ type }: JsonObject): ParsedReview["type"] | null {
  const types = [type].flat();
  const is = (name: string) => types.includes(`ayni:${name}`) || types.includes(`${AYNI}${name}`);
  return is("SealedReview") ? "sealed" : is("Review") ? "opened" : null;
}

/** sha2-256 as a multihash: what it is, and 32 bytes. */
const SHA256 = "1220";

function toMultibase(hex: string): string {
  return encodeBase58(Buffer.from(SHA256 + hex, "hex"));
}

/** null: no SHA-256 multihash. */
function fromMultibase(text: string): string | null {
  const hex = decodeBase58(text)?.toString("hex");
  return hex !== undefined && hex.length === 68 && hex.startsWith(SHA256) ? hex.slice(4) : null;
}
