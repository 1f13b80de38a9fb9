import { describe, expect, test } from "vitest";
import { until } from "../support/clearing-hubs.ts";
import { settle, startHubs, type TestHub } from "../support/hub.ts";
import { makePeers } from "../support/peers.ts";

const link = async (hub: TestHub) => (await hub.database.sql`select * from clearing_links`)[0]!;

describe("two hubs", () => {
  test("shake hands as soon as they are peers", async () => {
    const [lac, mena] = (await startHubs(2)) as [TestHub, TestHub];
    await makePeers(lac, mena);
    await settle(lac, mena);
    expect([(await link(lac)).ready, (await link(mena)).ready]).toEqual([true, true]);
  });
});
