import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { fill, publish } from "../../src/commands/demo.ts";
import { DEMO } from "../../src/commands/demo-data.ts";
import { exchangeHistory } from "../../src/commands/demo-exchanges.ts";
import { AGREEMENT_STATES } from "../../src/db/schema/agreements.ts";
import { checkLedger } from "../../src/domain/ledger/check.ts";
import { flowsBySize } from "../../src/domain/ledger/queries.ts";
import { testDatabase } from "../support/database.ts";
import { exchangeContext } from "../support/exchange.ts";

test.each(DEMO.map((hub) => [hub.key, hub] as const))(
  "the demo's hub %s has exchanges in every state that they stay in, and a sound ledger",
  async (_, hub) => {
    const database = await testDatabase();
    const ctx = exchangeContext(database);
    const { organizations, curator } = await fill(ctx, hub);
    await exchangeHistory(ctx, organizations, await publish(ctx, hub, organizations), curator, hub);

    const counted = async (table: string, column: string) => {
      const rows = await ctx.db.execute<{ value: string }>(
        sql`select distinct ${sql.identifier(column)}::text as value from ${sql.identifier(table)}`,
      );
      return rows.map(({ value }) => value).sort();
    };
    // Within one hub what is confirmed is settled, and what is accepted for credits is funded; a gift stays accepted.
    const staying = AGREEMENT_STATES.filter((state) => state !== "confirmed");
    expect(await counted("agreements", "state")).toEqual([...staying].sort());
    expect(await counted("agreements", "settlement")).toEqual(["credit", "none"]);
    expect(await counted("agreements", "automatic")).toEqual(["false", "true"]);
    expect(await counted("transfers", "kind")).toEqual(["agreement", "donation"]);
    expect(await counted("transfers", "state")).toEqual(["aborted", "committed", "reserved"]);
    expect(await counted("vouchers", "state")).toEqual(["requested", "used"]);
    expect(await counted("verifications", "state")).toEqual(["requested", "verified"]);
    const [sealed] = await ctx.db.execute(sql`
      select count(*) filter (where revealed is null)::int as sealed, count(*) filter (where revealed is not null)::int as open
      from reviews`);
    expect(sealed).toEqual({ sealed: 1, open: 4 });
    expect((await flowsBySize(ctx)).length).toBeGreaterThan(4);
    expect(await checkLedger(ctx)).toEqual([]);
  },
);
