import { isUtf8 } from "node:buffer";
import { getLogger } from "@logtape/logtape";
import type { Id } from "../../db/ids.ts";
import { actorById } from "../../domain/actors/queries.ts";
import { noteSkew, storeEnvelope } from "../../domain/clearing/inbox.ts";
import type { Ctx } from "../../domain/context.ts";
import { DomainError } from "../../domain/errors.ts";
import { localHub } from "../../domain/hubs/queries.ts";
import { findPeer, type Peer, peerOf } from "../../domain/peers/queries.ts";
import { checkKey } from "../../domain/peers/receive.ts";
import { throttle } from "../../domain/throttle.ts";
import { CONTENT_TYPES, type DoorAnswer, type DoorRequest, mediaType, readBody } from "../door.ts";
import { decodeMultikey, type JsonObject, verifyProof } from "../proofs.ts";
import { AEC } from "../vocab/context.ts";
import { MAX_ENVELOPE, parseJson, readHead } from "./envelope.ts";
import { createStrangers } from "./strangers.ts";

const log = getLogger(["ayni", "clearing", "door"]);

const HOUR = 3_600_000;
/** How old an envelope may be, and how far ahead of our clock. */
const OLDEST = 12 * HOUR;
const NEWEST = HOUR;
/** How often a peer is asked for its key because of what came in its name. */
const KEY_CHECKS = 3;
const KEY_SECONDS = 600;

/** Why an envelope is not taken, as the sender's administrators read it. */
const PROBLEMS = {
  method_not_allowed: [405, "Only POST"],
  unsupported_media_type: [415, "Not ActivityStreams"],
  too_large: [413, "Too large"],
  broken_body: [400, "The body did not arrive"],
  not_utf8: [400, "Not UTF-8"],
  malformed_envelope: [400, "No envelope"],
  other_receiver: [403, "For another hub"],
  not_a_peer: [403, "No peer"],
  peer_frozen: [403, "Frozen"],
  bad_proof: [401, "The proof does not verify"],
  key_changed: [401, "Another key than the accepted one"],
  clock_skew: [401, "The clocks differ"],
  inbox_full: [429, "Too many envelopes wait"],
  too_many_attempts: [429, "Too many attempts"],
  unavailable: [503, "Not now"],
} as const satisfies Record<string, readonly [number, string]>;
export type ClearingProblem = keyof typeof PROBLEMS;
export const CLEARING_PROBLEMS = Object.keys(PROBLEMS) as ClearingProblem[];

export interface ClearingDoorOptions {
  ctx: Ctx;
  /** Who asks, as far as attempts are counted. */
  address(request: Pick<DoorRequest, "headers" | "remoteAddress">): string;
}

/**
 * `POST /clearing`: everything between an open socket and "this envelope is of this peer, for us, and of now". What it takes it stores, and
 * answers 202, which says no more than that. What it refuses changes nothing but notes for administrators (a clock that is wrong, a key that
 * is new); problems are told by RFC 9457.
 */
export function createClearingDoor(
  options: ClearingDoorOptions,
): (request: DoorRequest) => Promise<DoorAnswer> {
  const { ctx, address } = options;
  const strangers = createStrangers();
  let hub: string | undefined;

  /** Iri of this hub's actor, which never changes. */
  async function own(): Promise<string> {
    hub ??= (await actorById(ctx, (await localHub(ctx)).actorId)).iri;
    return hub;
  }

  async function handle(request: DoorRequest): Promise<DoorAnswer> {
    const { headers } = request;
    if (request.method !== "POST")
      return problem("method_not_allowed", "envelopes are posted", { allow: "POST" });
    if (!CONTENT_TYPES.has(mediaType(headers["content-type"])) || headers["content-encoding"] !== undefined)
      return problem("unsupported_media_type", "an envelope is application/activity+json, not compressed");
    // By this header a body may be smaller, and never larger: the server holds it to that.
    const length = /^[0-9]{1,9}$/.test(headers["content-length"] ?? "")
      ? Number(headers["content-length"])
      : null;
    const proven = strangers.admit(address(request), length);
    if (proven === null)
      return problem("too_many_attempts", "too much that is nobody's came from there; come back later", {
        ...{ "retry-after": "60", connection: "close" },
      });
    const bytes = await readBody(request, MAX_ENVELOPE);
    if (bytes === "broken") return problem("broken_body", "the body ended early");
    if (bytes === "too large")
      return problem("too_large", `an envelope has ${MAX_ENVELOPE} bytes at most`, { connection: "close" });
    if (!isUtf8(bytes)) return problem("not_utf8", "the body is not UTF-8");
    const body = bytes.toString();
    const json = parseJson(body);
    const head = readHead(json);
    if (head === null) return problem("malformed_envelope", `the body is not an envelope of ${AEC}`);

    const peer = await peerOf(ctx, { iri: head.sender });
    if (peer === null || !["active", "draining", "frozen"].includes(peer.state))
      return problem("not_a_peer", `${head.sender} is no peer of this hub`);
    if (head.receiver !== (await own())) return problem("other_receiver", `this is ${hub}`);
    const key = decodeMultikey(peer.key);
    const envelope = json as JsonObject;
    if (key === null || !verifyProof(envelope, key)) return foreign(envelope, peer);
    proven();

    const now = ctx.clock.now();
    const skew = head.published.getTime() - now.getTime();
    if (skew < -OLDEST || skew > NEWEST) {
      await noteSkew(ctx, peer.id, skew);
      const detail = "the envelope was written too long ago or ahead of time; one of the clocks is wrong";
      const times = { published: head.published.toISOString(), received: now.toISOString(), skew };
      return problem("clock_skew", detail, {}, times);
    }
    if (peer.state === "frozen")
      return problem("peer_frozen", "this hub has frozen the peering; its administrators have to look at it");
    if (await storeEnvelope(ctx, { peerId: peer.id, body, skew })) return ACCEPTED;
    return problem("inbox_full", "earlier envelopes are still worked on", { "retry-after": "5" });
  }

  /**
   * Not by the key that is accepted: perhaps by one that the peer has now. Only its own documents say so, whatever the proof names; they
   * are asked rarely, since anybody can write a peer's name over their words.
   */
  async function foreign(envelope: JsonObject, peer: Peer): Promise<DoorAnswer> {
    const isNew = ({ newKey }: Peer) => {
      const key = newKey === null ? null : decodeMultikey(newKey);
      return key !== null && verifyProof(envelope, key);
    };
    if (
      (peer.state === "frozen" && isNew(peer)) ||
      ((await askForKey(peer.id)) && isNew(await findPeer(ctx, peer.id)))
    )
      return problem(
        "key_changed",
        "the sender has a new key, which administrators of this hub have to accept",
      );
    return problem("bad_proof", "the proof is not by the key that this hub has accepted for the sender");
  }

  /** What counts is the key that the peer's own documents name now: the peering is frozen, and administrators are told. */
  async function askForKey(peerId: Id): Promise<boolean> {
    try {
      await throttle(ctx, `peer-key:${peerId}`, KEY_CHECKS, KEY_SECONDS);
      await checkKey(ctx, peerId);
      return true;
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      if (error.code === "too_many_attempts") return false;
      log.warn("The key of peer {id} could not be compared: {error}", { id: `${peerId}`, error });
      return false;
    }
  }

  return async (request) => {
    try {
      return await handle(request);
    } catch (error) {
      log.error("An envelope could not be taken: {error}", { error });
      return problem("unavailable", "the hub cannot take this now", { "retry-after": "30" });
    }
  };
}

const ACCEPTED: DoorAnswer = { status: 202, headers: {}, body: "" };
const CHALLENGE = { "www-authenticate": 'DataIntegrityProof cryptosuite="eddsa-jcs-2022"' };

function problem(
  code: ClearingProblem,
  detail: string,
  headers: Record<string, string> = {},
  extra: Record<string, string | number> = {},
): DoorAnswer {
  const [status, title] = PROBLEMS[code];
  return {
    status,
    headers: { "content-type": "application/problem+json", ...(status === 401 ? CHALLENGE : {}), ...headers },
    body: JSON.stringify({ type: `${AEC}#problem-${code}`, title, status, code, detail, ...extra }),
  };
}
