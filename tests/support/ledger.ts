import type { Db } from "../../src/db/client.ts";
import type { Id } from "../../src/db/ids.ts";
import { type AccountRole, accounts } from "../../src/db/schema/accounts.ts";
import { type ActorKind, actors } from "../../src/db/schema/actors.ts";
import { hubs } from "../../src/db/schema/hubs.ts";
import { memberships } from "../../src/db/schema/organizations.ts";
import type { Acting, Ctx } from "../../src/domain/context.ts";
import { DomainError } from "../../src/domain/errors.ts";
import { organizationAccount, setLimits } from "../../src/domain/ledger/accounts.ts";
import { commit, reserve } from "../../src/domain/ledger/transfers.ts";
import { transact } from "../../src/domain/transact.ts";
import { domainContext } from "./domain.ts";

/** One credit in minor units: the hub below has two decimals, and one credit is one HOUR. */
export const CREDIT = 100n;

/** A hub's database with its row and an administrator, without the keys that nobody here signs with. */
export async function ledgerHub(db: Db, now?: () => Date): Promise<{ ctx: Ctx; admin: Acting }> {
  const ctx = domainContext(db, now);
  const actorId = await bareActor(ctx, "hub", "Application");
  await db.insert(hubs).values({
    origin: ctx.hub.origin,
    actorId,
    name: "Hub",
    locale: "en",
    currencyName: "Ayni",
    currencySymbol: "₳",
    created: ctx.clock.now(),
  });
  return { ctx, admin: await person(ctx, "admin", "admin") };
}

/** A person with an account. */
export async function person(ctx: Ctx, handle: string, role: AccountRole = "member"): Promise<Acting> {
  const actorId = await bareActor(ctx, handle, "Person");
  const accountId = await ctx.ids.next();
  await ctx.db.insert(accounts).values({
    id: accountId,
    actorId,
    email: `${handle}@example.org`,
    passwordHash: "nobody logs in",
    role,
    locale: "en",
    created: ctx.clock.now(),
  });
  return { accountId, actorId };
}

/** An organization with a credit line (minor units), and the person who represents it. */
export async function organization(
  ctx: Ctx,
  handle: string,
  line = 0n,
  growth = 0n,
): Promise<Acting & { ledgerId: Id }> {
  const actorId = await bareActor(ctx, handle, "Organization");
  const { accountId } = await person(ctx, `${handle}_person`);
  await ctx.db.insert(memberships).values({
    organizationId: actorId,
    accountId,
    role: "representative",
    created: ctx.clock.now(),
  });
  const ledgerId = await organizationAccount(ctx, actorId);
  if (line > 0n || growth > 0n) {
    await transact(ctx, (ctx) =>
      setLimits(ctx, actorId, { minimum: -line, growth, maximum: null }, "test", null),
    );
  }
  return { accountId, actorId, ledgerId };
}

/** Pays at once: reserves and commits in one transaction. */
export function pay(ctx: Ctx, payerId: Id, payeeId: Id, amount: bigint, donation = 0): Promise<Id> {
  return transact(ctx, async (ctx) => {
    const id = await reserve(ctx, { kind: "agreement", payerId, payeeId, amount, accountId: null });
    await commit(ctx, id, { amount, decision: "confirm", donation, accountId: null });
    return id;
  });
}

/** The code of the DomainError that it ends with, or "done". */
export async function outcome(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "done",
    (error: unknown) => {
      if (error instanceof DomainError) return error.code;
      throw error;
    },
  );
}

async function bareActor(ctx: Ctx, handle: string, kind: ActorKind): Promise<Id> {
  const id = await ctx.ids.next();
  const now = ctx.clock.now();
  const iri = `${ctx.hub.origin}/actors/${id}`;
  await ctx.db
    .insert(actors)
    .values({ id, iri, kind, handle, name: handle, inbox: `${iri}/inbox`, created: now, updated: now });
  return id;
}
