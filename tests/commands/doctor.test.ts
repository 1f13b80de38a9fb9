import { expect, test } from "vitest";
import { peerFinding } from "../../src/commands/doctor.ts";
import { clearingLinks } from "../../src/db/schema/clearing.ts";
import { peerCopies, peers } from "../../src/db/schema/peers.ts";
import { startHubs } from "../support/hub.ts";
import { makePeers } from "../support/peers.ts";

test("the doctor says of a peer what is amiss and what to do, and nothing of one that is well", async () => {
  const [a, b] = await startHubs(2);
  await makePeers(a!, b!);
  const { db } = a!.ctx;
  const [peer] = await db.select().from(peers);
  const [link] = await db.select().from(clearingLinks);
  const [copy] = await db.select().from(peerCopies);
  const now = Date.now();
  const ago = (days: number) => new Date(now - days * 86_400_000);
  const well = {
    link: { ...link!, ready: true, heard: ago(0), skew: 1_000, failure: null },
    copy: { ...copy!, completed: ago(20), compared: ago(1) },
  };
  const told = (
    change: Partial<typeof peer>,
    changed: Partial<typeof link> = {},
    copied: Partial<typeof copy> = {},
  ) => {
    const found = peerFinding(
      now,
      { ...peer!, ...change } as NonNullable<typeof peer>,
      { ...well.link, ...changed } as NonNullable<typeof link>,
      { ...well.copy, ...copied } as NonNullable<typeof copy>,
    );
    for (const { ok, advice } of found) expect(ok || (advice ?? "").length > 10).toBe(true);
    return found.map(({ ok, text, advice = "" }) => `${ok} ${text} ${ok ? "" : advice}`.trim()).join("\n");
  };
  expect(told({})).toBe(`true Exchange with ${b!.origin} is well.`);
  expect(told({ state: "asked" })).toMatch(/^false .*asks to be a peer/);
  expect(told({ state: "frozen", reason: "equivocation" })).toMatch(
    /^false .*frozen: .*contradicted what it had signed.*\(equivocation\)/,
  );
  expect(told({ theirState: "frozen" })).toMatch(/^false .*has frozen this hub/);
  expect(told({ newKey: "z6MkNew" })).toMatch(/^false .*new key/);
  expect(told({}, { ready: false })).toMatch(/^false .*has not shaken hands/);
  expect(told({}, { heard: null })).toMatch(/^false .*was never heard/);
  // Codes are said in words, with the code for whoever looks it up.
  expect(told({}, { heard: ago(3), failure: "bad_proof" })).toMatch(
    /^false .*not heard for 3 days.*does not recognize our signature.*\(bad_proof\)/,
  );
  expect(told({}, { ready: false, failure: "http_502" })).toMatch(
    /not shaken hands.*has a fault.*\(http_502\)/,
  );
  expect(told({}, {}, { completed: null, failure: "circle" })).toMatch(/repeats itself.*\(circle\)/);
  expect(told({ state: "frozen", reason: "administrator" })).toMatch(/An administrator here stopped/);
  expect(told({}, { skew: 3_600_000 })).toMatch(/^false .*60 minutes ahead/);
  expect(told({}, { skew: -1_800_000 })).toMatch(/^false .*30 minutes behind/);
  expect(told({}, {}, { compared: ago(9) })).toMatch(/^false .*compared 9 days ago/);
  expect(told({}, {}, { completed: null })).toMatch(/^false .*not been copied whole/);
});
