import { createHash } from "node:crypto";
import { z } from "zod";
import type { BundledConsent, ConsentBundle } from "../domain/agreements/bundle.ts";
import { type Pinned, sameQuote } from "../domain/agreements/quote-rules.ts";
import type { RemoteTerms } from "../domain/agreements/remote.ts";
import { iriOf, isObject, outOfBounds } from "./envelope.ts";
import { decodeMultikey, digestMultibase, type JsonObject, verifyProof } from "./proofs.ts";
import {
  agreementOf,
  offerDigest,
  readEvent,
  readPinned,
  readTerms,
  sameTerms,
} from "./vocab/agreement-terms.ts";
import { isResolution, readProposed, readRelease, readSigned } from "./vocab/resolutions.ts";

/** Addresses, digests, keys: nothing in them can act on a terminal. */
const text = z.string().regex(/^[\x21-\x7e]{1,2000}$/);
const party = z.enum(["provider", "receiver"]);
const bundle = z.strictObject({
  type: z.literal("AyniAgreementConsents"),
  agreement: text,
  parties: z.strictObject({ provider: text, receiver: text }),
  hubs: z.strictObject({ provider: text.optional(), receiver: text.optional() }).optional(),
  consents: z
    .array(
      z.strictObject({
        ...{ message: text, party, activity: text, digest: text, sha256: text },
        body: z.string().max(1_048_576),
        proof: z.enum(["ours", "verified", "none"]),
      }),
    )
    .max(200),
  keys: z.array(z.strictObject({ owner: text, id: text, publicKeyMultibase: text })).max(200),
}) satisfies z.ZodType<ConsentBundle>;

/** One consent that was found good. */
export interface CheckedConsent {
  message: string;
  party: "provider" | "receiver";
  /** Iri of the one who consented, or of the hub whose steward it was. */
  actor: string;
  /** When it was signed, as the signer's own server wrote it. */
  signed: string;
  /** The terms of an Offer or an Accept. */
  terms: RemoteTerms | null;
  note: string | null;
}

export interface BundleCheck {
  bundle: ConsentBundle | null;
  consents: CheckedConsent[];
  /** Both consented to the same terms. */
  agreed: boolean;
  /** What is wrong, in sentences; empty when all of it is proven. */
  problems: string[];
}

/** Which activity each message is. */
const KINDS: Readonly<Record<string, string>> = {
  offer: "Offer",
  counter: "Offer",
  accept: "Accept",
  reject: "Reject",
  withdraw: "Undo",
  cancel: "Undo",
  deliver: "Create",
  confirm: "Create",
  dispute: "Create",
  sign: "Create",
  propose: "Offer",
  agree: "Accept",
};

/** What stewards say in a dispute between two hubs: their hub signs it. */
const STEWARDS: readonly string[] = ["propose", "agree"];

/**
 * Checks a bundle of consents with nothing but the bundle: that every consent is the signed word of the party whose it is
 * (FEP-8b32), that it is unchanged, that answers name the digest of the very Offer before them, and that both agreed to the same; of
 * stewards' words, that they are the hubs' of the two parties, and that what the parties sign is what these proposed.
 * Whether the keys are really these actors' is for people to compare with what the actors' documents say.
 */
export function checkBundle(json: string): BundleCheck {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    return { ...NOTHING, problems: ["The file is not JSON."] };
  }
  const read = bundle.safeParse(parsed);
  if (!read.success) return { ...NOTHING, problems: ["The file holds no consents of an agreement."] };
  const file: ConsentBundle = read.data;
  const { parties } = file;
  const problems: string[] = [];
  const consents: CheckedConsent[] = [];
  if (parties.provider === parties.receiver) problems.push("The two parties are one and the same.");
  const speakers = [parties.provider, parties.receiver, file.hubs?.provider, file.hubs?.receiver];
  if (file.hubs?.provider !== undefined && file.hubs.provider === file.hubs.receiver)
    problems.push("The two hubs are one and the same.");
  for (const party of ["provider", "receiver"] as const) {
    const hub = file.hubs?.[party];
    if (hub !== undefined && URL.parse(hub)?.origin !== URL.parse(parties[party])?.origin)
      problems.push(`${hub} is not the hub of ${parties[party]}.`);
  }
  if (file.consents.length === 0) problems.push("Nobody consented to anything.");
  for (const { owner, id, publicKeyMultibase } of file.keys) {
    if (!speakers.includes(owner)) problems.push(`The key ${id} belongs to neither party.`);
    if (!id.startsWith(`${owner}#`)) problems.push(`The key ${id} is not named as one of ${owner}.`);
    if (decodeMultikey(publicKeyMultibase) === null) problems.push(`The key ${id} is no Ed25519 Multikey.`);
  }
  const used = new Set<object>();
  const chain: Chain = { offer: null, accept: null, proposed: new Map() };
  const seen = new Set<string>();
  for (const [index, consent] of file.consents.entries()) {
    const actor = speakerOf(file, consent);
    const name = `Consent ${index + 1} (${consent.message} by ${actor ?? "nobody"})`;
    const wrong = (what: string) => problems.push(`${name}: ${what}.`);
    const activity = readActivity(consent, wrong);
    if (activity === null) continue;
    if (seen.has(consent.activity)) wrong("it stands twice in the file");
    seen.add(consent.activity);
    if (actor === null) {
      wrong("its hub is not named");
      continue;
    }
    checkProof(file.keys, actor, consent, activity, used, wrong);
    const terms = checkContent(file, consent, activity, chain, wrong);
    consents.push({
      message: consent.message,
      party: consent.party,
      actor,
      signed: signedAt(activity),
      terms,
      note: contentOf(activity) ?? (consent.message === "propose" ? contentOf(activity.object) : null),
    });
  }
  for (const key of file.keys) if (!used.has(key)) problems.push(`Nothing is signed with the key ${key.id}.`);
  return { bundle: file, consents, agreed: chain.accept !== null, problems };
}

const NOTHING = { bundle: null, consents: [], agreed: false };

/** The party, or for its stewards its hub; null where the file does not name it. */
function speakerOf({ parties, hubs }: ConsentBundle, { message, party }: BundledConsent): string | null {
  return STEWARDS.includes(message) ? (hubs?.[party] ?? null) : parties[party];
}

function contentOf(object: unknown): string | null {
  return isObject(object) && typeof object.content === "string" ? object.content : null;
}

type Wrong = (what: string) => void;

/** The newest terms on the table, and whether they were agreed to. */
interface Chain {
  offer: { consent: BundledConsent; terms: RemoteTerms | null; pinned: Pinned | null } | null;
  accept: BundledConsent | null;
  /** What stewards proposed, by the proposal's iri. */
  proposed: Map<string, { consent: BundledConsent; release: bigint }>;
}

function readActivity(consent: BundledConsent, wrong: Wrong): JsonObject | null {
  const { body, sha256, digest } = consent;
  let activity: unknown;
  try {
    activity = JSON.parse(body);
  } catch {
    wrong("its text is not JSON");
    return null;
  }
  if (!isObject(activity) || outOfBounds(activity, true) !== null) {
    wrong("its text is no activity");
    return null;
  }
  if (createHash("sha256").update(body).digest("hex") !== sha256)
    wrong("its bytes are not those that were kept");
  if (digestOf(activity) !== digest) wrong("its digest is another one");
  return activity;
}

function digestOf(activity: JsonObject): string | null {
  try {
    return digestMultibase(activity);
  } catch {
    return null;
  }
}

function checkProof(
  keys: ConsentBundle["keys"],
  actor: string,
  consent: BundledConsent,
  activity: JsonObject,
  used: Set<object>,
  wrong: Wrong,
): void {
  if (activity.actor !== actor) wrong("it is not the word of the party whose it should be");
  if (activity.id !== consent.activity) wrong("its id is another one");
  if (URL.parse(consent.activity)?.origin !== URL.parse(actor)?.origin)
    wrong("its id is not of its actor's server");
  const { proof = null } = activity;
  if (consent.proof === "none") {
    wrong(
      proof === null
        ? "it carries no proof: only the hub that wrote this file says that it was said"
        : "it carries a proof that the file says it does not carry",
    );
    return;
  }
  const keyId = isObject(proof) ? proof.verificationMethod : null;
  const key = keys.find(
    ({ id, owner, publicKeyMultibase }) =>
      id === keyId && owner === actor && provenWith(activity, publicKeyMultibase),
  );
  if (key === undefined) wrong("it is not signed with a key of its actor");
  else used.add(key);
}

function provenWith(activity: JsonObject, multikey: string): boolean {
  const key = decodeMultikey(multikey);
  return key !== null && verifyProof(activity, key);
}

/** What it says, and whether that follows from what was said before. */
function checkContent(
  { agreement, parties }: ConsentBundle,
  consent: BundledConsent,
  activity: JsonObject,
  chain: Chain,
  wrong: Wrong,
): RemoteTerms | null {
  const { message, party } = consent;
  const { object } = activity;
  if (activity.type !== KINDS[message]) {
    wrong(`what is signed is no ${message}`);
    return null;
  }
  if (STEWARDS.includes(message)) {
    checkSteward(agreement, consent, activity, chain, wrong);
    return null;
  }
  if (message === "offer" || message === "counter") {
    const terms = isObject(object) ? readTerms(object) : null;
    if (terms === null) wrong("its terms cannot be read");
    else checkRoles(terms, parties, wrong);
    const answers = message === "counter" ? iriOf(activity.inReplyTo) : null;
    if (message === "offer" ? chain.offer !== null : answers !== chain.offer?.consent.activity)
      wrong("it does not answer the Offer before it");
    if (chain.offer?.consent.party === party) wrong("it is not this party's to say");
    const digest = offerDigest(activity);
    if (digest !== null && digest !== chain.offer?.consent.digest)
      wrong("it names the digest of another Offer");
    const pinned = readPinned(activity);
    if (pinned === undefined) wrong("the amounts that it pins between two hubs cannot be read");
    chain.offer = { consent, terms, pinned: pinned ?? null };
    return terms;
  }
  if (KINDS[message] === "Create") {
    checkEvent(agreement, consent, object, parties, chain, wrong);
    return null;
  }
  const { offer } = chain;
  const named = iriOf(object);
  const answered = message === "cancel" && named === chain.accept?.activity ? chain.accept : offer?.consent;
  if (offer === null || answered === undefined || named !== answered.activity) {
    wrong("it is about another Offer than the one before it");
    return null;
  }
  const own = message === "withdraw" || message === "cancel";
  if ((answered.party === party) !== own) wrong("it is not this party's to say");
  const digest = offerDigest(activity);
  if (digest === null)
    wrong("it does not name the digest of the Offer, so that it may be about another text");
  else if (digest !== offer.consent.digest) wrong("it names the digest of another Offer");
  if (message !== "accept") return null;
  const { result } = activity;
  const agreed = isObject(result) ? readTerms(result) : null;
  if (!isObject(result) || agreed === null) wrong("its terms cannot be read");
  else {
    checkRoles(agreed, parties, wrong);
    if (result.id !== agreement) wrong("the Agreement in it has another id");
    if (offer.terms === null || !sameTerms(offer.terms, agreed))
      wrong("it agrees to other terms than were offered");
    const pinned = readPinned(activity) ?? null;
    const same =
      pinned === null || offer.pinned === null ? pinned === offer.pinned : sameQuote(pinned, offer.pinned);
    if (!same) wrong("it agrees to other amounts between the two hubs than were offered");
  }
  chain.accept = consent;
  return agreed;
}

/** A steward proposes how to end the dispute, or one of the other hub agrees to it. */
function checkSteward(
  agreement: string,
  consent: BundledConsent,
  activity: JsonObject,
  { accept, proposed }: Chain,
  wrong: Wrong,
): void {
  if (accept === null) wrong("nothing had been agreed");
  if (consent.message === "propose") {
    const { object } = activity;
    const said = isResolution(object) ? readProposed(object) : null;
    if (said === null) {
      wrong("what it proposes cannot be read");
      return;
    }
    if (said.agreement !== agreement) wrong("it is about another agreement");
    if (isObject(object) && iriOf(object.attributedTo) !== activity.actor)
      wrong("it tells what somebody else said");
    if (proposed.has(said.iri)) wrong("the same was proposed before");
    proposed.set(said.iri, { consent, release: said.payer });
    return;
  }
  const resolution = proposed.get(iriOf(activity.object) ?? "");
  if (resolution === undefined) {
    wrong("it agrees to nothing that was proposed before");
    return;
  }
  if (resolution.consent.party === consent.party) wrong("it is not this hub's to say");
  if (readRelease(activity) !== resolution.release) wrong("it agrees to another amount than was proposed");
  if ((offerDigest(activity) ?? resolution.consent.digest) !== resolution.consent.digest)
    wrong("it names the digest of another proposal");
}

function checkRoles(
  { provider, receiver }: RemoteTerms,
  parties: ConsentBundle["parties"],
  wrong: Wrong,
): void {
  if ((provider ?? parties.provider) !== parties.provider) wrong("somebody else is to do it");
  if ((receiver ?? parties.receiver) !== parties.receiver) wrong("somebody else is to get it");
}

function checkEvent(
  agreement: string,
  { message, party }: BundledConsent,
  object: unknown,
  parties: ConsentBundle["parties"],
  { offer, accept, proposed }: Chain,
  wrong: Wrong,
): void {
  if (!isObject(object)) {
    wrong("what it tells is not in it");
    return;
  }
  if (agreementOf(object) !== agreement) wrong("it is about another agreement");
  if ((iriOf(object.attributedTo) ?? parties[party]) !== parties[party])
    wrong("it tells what somebody else said");
  if (accept === null) wrong("nothing had been agreed");
  if (message === "sign") {
    const signed = readSigned(object);
    const resolution = signed === null ? undefined : proposed.get(signed.iri);
    // Older files have no words of stewards.
    if (proposed.size > 0 && resolution === undefined)
      wrong("what is signed is nothing that stewards proposed");
    else if (resolution !== undefined && resolution.release !== signed?.payer)
      wrong("what is signed is another amount than stewards proposed");
    return;
  }
  const proposer = accept?.party ?? party;
  const event = readEvent(object, { party: proposer, speaks: party === proposer });
  if (event?.type !== message) wrong(`what is signed is no ${message}`);
  if (message === "deliver" && party !== "provider") wrong("it is not this party's to say");
  if (message === "confirm" && party !== "receiver") wrong("it is not this party's to say");
  if (event?.type !== "confirm" || event.unit === null) return;
  const agreed = offer?.terms;
  const paid = agreed?.reciprocal != null && event.unit === agreed.reciprocal.unit;
  if (!paid && event.unit !== agreed?.unit) wrong("it counts in another unit");
}

function signedAt({ proof, published }: JsonObject): string {
  const created = isObject(proof) ? proof.created : published;
  return typeof created === "string" ? created : "at an unknown time";
}
