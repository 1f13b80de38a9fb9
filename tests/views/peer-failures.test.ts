import { expect, test } from "vitest";
import { CLEARING_PROBLEMS } from "../../src/federation/clearing/door.ts";
import type { EgressErrorCode } from "../../src/federation/egress/error.ts";
import { failureText } from "../../src/views/peers/failures.ts";

/** Our way out to a peer ends with these; the others are of documents that are read. */
const EGRESS: Record<EgressErrorCode, boolean> = {
  ...{ forbidden_address: true, invalid_url: true, timeout: true, too_large: true, bad_content_type: true },
  ...{ redirect: true, unreachable: true, invalid_json: true, budget: false, status: false },
};

test("whatever keeps a peer from being reached has words of its own, and a code that nobody knows has some", () => {
  const ways = Object.entries(EGRESS).flatMap(([code, ends]) => (ends ? [code] : []));
  const answers = [301, 401, 403, 404, 405, 408, 413, 415, 429, 500, 502, 503, 504].map((n) => `http_${n}`);
  for (const code of [...CLEARING_PROBLEMS, ...ways, ...answers])
    expect([code, failureText(code)]).not.toEqual([code, "peer_failures.other"]);
  for (const code of ["http_418", "of_a_later_version", "constructor"])
    expect(failureText(code)).toBe("peer_failures.other");
});
