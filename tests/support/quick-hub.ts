import type { Id } from "../../src/db/ids.ts";
import type { AccountRole } from "../../src/db/schema/accounts.ts";
import { hubs } from "../../src/db/schema/hubs.ts";
import { memberships } from "../../src/db/schema/organizations.ts";
import { insertAccount } from "../../src/domain/accounts/commands.ts";
import { createActor } from "../../src/domain/actors/commands.ts";
import { generateKeys, type NewKey } from "../../src/domain/actors/keys.ts";
import type { Acting, Ctx } from "../../src/domain/context.ts";

export interface QuickHub {
  account(handle: string, role?: AccountRole): Promise<Acting>;
  /** With an account of its own that represents it. */
  organization(handle: string, name?: string): Promise<Acting>;
}

let made: Promise<NewKey[]> | undefined;

/**
 * A hub in a database, for tests that need many of them: everybody has the same keys, which are made once, and nobody can log
 * in. Its currency is the Ayni (₳), 100 minor units, one an hour.
 */
export async function quickHub(ctx: Ctx): Promise<QuickHub> {
  made ??= generateKeys(ctx);
  const keys = await made;
  const actorId = await createActor(
    ctx,
    { kind: "Application", handle: "hub", name: "Red de pruebas", summary: "" },
    keys,
  );
  await ctx.db.insert(hubs).values({
    ...{ origin: ctx.hub.origin, actorId, name: "Red de pruebas", locale: "es", created: ctx.clock.now() },
    ...{ currencyName: "Ayni", currencySymbol: "₳" },
  });
  const account = (handle: string, role: AccountRole = "member") =>
    insertAccount(ctx, {
      ...{ handle, email: `${handle}@example.org`, name: handle, role, locale: "es" },
      ...{ passwordHash: "none", keys },
    });
  return {
    account,
    async organization(handle, name = handle) {
      const { accountId } = await account(`p_${handle}`);
      const organizationId: Id = await createActor(
        ctx,
        { kind: "Organization", handle, name, summary: "" },
        keys,
      );
      await ctx.db
        .insert(memberships)
        .values({ organizationId, accountId, role: "representative", created: ctx.clock.now() });
      return { accountId, actorId: organizationId };
    },
  };
}
