import type { MessageKey } from "../../locales/index.ts";

/**
 * What is in the way of reaching a peer, and what to do about it: its door's own codes (`federation/clearing/door.ts`), those of our way
 * out (`federation/egress/error.ts`), and `http_<status>` of a server that gives no code.
 */
const TEXTS: Readonly<Record<string, MessageKey>> = {
  // Its door.
  method_not_allowed: "peer_failures.garbled",
  unsupported_media_type: "peer_failures.garbled",
  too_large: "peer_failures.garbled",
  broken_body: "peer_failures.garbled",
  not_utf8: "peer_failures.garbled",
  malformed_envelope: "peer_failures.garbled",
  other_receiver: "peer_failures.other_receiver",
  not_a_peer: "peer_failures.not_a_peer",
  peer_frozen: "peer_failures.peer_frozen",
  bad_proof: "peer_failures.bad_proof",
  key_changed: "peer_failures.key_changed",
  clock_skew: "peer_failures.clock_skew",
  inbox_full: "peer_failures.inbox_full",
  too_many_attempts: "peer_failures.inbox_full",
  unavailable: "peer_failures.unavailable",
  // Our way there.
  unreachable: "peer_failures.unreachable",
  timeout: "peer_failures.timeout",
  forbidden_address: "peer_failures.address",
  invalid_url: "peer_failures.address",
  redirect: "peer_failures.address",
  bad_content_type: "peer_failures.garbled",
  invalid_json: "peer_failures.garbled",
};

/** Answers of whatever stands at its address. */
const STATUSES: readonly [RegExp, MessageKey][] = [
  [/^http_(404|405|410|2..)$/, "peer_failures.missing"],
  [/^http_(401|403|407|451)$/, "peer_failures.barred"],
  [/^http_3..$/, "peer_failures.address"],
  [/^http_408$/, "peer_failures.timeout"],
  [/^http_(413|415)$/, "peer_failures.garbled"],
  [/^http_429$/, "peer_failures.inbox_full"],
  [/^http_5..$/, "peer_failures.unavailable"],
];

/** The text for a failure; there is one for every code, also for those that a later version of a peer gives. */
export function failureText(code: string): MessageKey {
  if (Object.hasOwn(TEXTS, code)) return TEXTS[code] as MessageKey;
  return STATUSES.find(([status]) => status.test(code))?.[1] ?? "peer_failures.other";
}
