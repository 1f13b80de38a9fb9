import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Database, Db } from "../../src/db/client.ts";
import { createIds, type Id } from "../../src/db/ids.ts";
import { createActor } from "../../src/domain/actors/commands.ts";
import { generateKeys } from "../../src/domain/actors/keys.ts";
import { offerAgreement } from "../../src/domain/agreements/commands.ts";
import type { Acting, Ctx } from "../../src/domain/context.ts";
import { setUpHub } from "../../src/domain/hubs/commands.ts";
import { setLimits } from "../../src/domain/ledger/accounts.ts";
import { createOrganization } from "../../src/domain/organizations/commands.ts";
import { publishProposal } from "../../src/domain/proposals/commands.ts";
import type { ProposalInput } from "../../src/domain/proposals/rules.ts";
import { transact } from "../../src/domain/transact.ts";
import { createConsents } from "../../src/federation/consents.ts";
import { createKeyring } from "../../src/federation/keyring.ts";
import { createFiles } from "../../src/files.ts";
import { createVault } from "../../src/vault.ts";

const ORIGIN = "https://hub.example";
const SECRET = "a secret of the tests and of nothing else";
export const DAY = 86_400_000;

/**
 * What commands are given in a process without HTTP around it: several processes on one database each make their own, and their
 * ids never collide.
 *
 * @param db what the commands use instead of the database's own handle (to count or fail its calls)
 */
export function exchangeContext(database: Database, now = () => new Date(), db: Db = database.db): Ctx {
  const vault = createVault(SECRET);
  return {
    db,
    clock: { now },
    ids: createIds(database.sql, now),
    hub: { origin: ORIGIN, host: new URL(ORIGIN).host },
    vault,
    remote: { resolveActor: noOther, resolveHub: noOther },
    files: createFiles(join(tmpdir(), `ayni-files-${process.pid}`)),
    consents: createConsents(ORIGIN, createKeyring({ db: database.db, vault })),
  };
}

const noOther = () => Promise.reject(new Error("no other server is asked here"));

/** A hub that is set up, with its administrator. */
export async function exchangeHub(
  database: Database,
  now?: () => Date,
): Promise<{ ctx: Ctx; admin: Acting }> {
  const ctx = exchangeContext(database, now);
  const admin = await setUpHub(ctx, {
    name: "Red Raíces",
    locale: "es",
    currencyName: "Ayni",
    currencySymbol: "₳",
    admin: { handle: "ana", name: "Ana Mamani", email: "ana@example.org", password: "una frase muy larga" },
  });
  return { ctx, admin };
}

/** An organization of the hub with its representative's account, and so much credit. */
export async function organization(
  ctx: Ctx,
  { accountId }: Acting,
  handle: string,
  credit = 0n,
): Promise<Acting> {
  const actorId = await createOrganization(ctx, accountId, { handle, name: handle });
  if (credit > 0n) {
    const limits = { minimum: -credit, growth: 0n, maximum: null };
    await transact(ctx, (ctx) => setLimits(ctx, actorId, limits, "a test", null));
  }
  return { accountId, actorId };
}

let shared: ReturnType<typeof generateKeys> | undefined;

/** Many organizations at once, which share one pair of keys: for races, where keys matter to nobody. */
export async function organizations(
  ctx: Ctx,
  { accountId }: Acting,
  count: number,
  credit: bigint,
  tag = "crowd",
): Promise<Acting[]> {
  shared ??= generateKeys(ctx);
  const keys = await shared;
  const made: Acting[] = [];
  for (let n = 0; n < count; n++) {
    const handle = `${tag}${n}`;
    const actorId = await createActor(ctx, { kind: "Organization", handle, name: handle, summary: "" }, keys);
    if (credit > 0n) {
      const limits = { minimum: -credit, growth: 0n, maximum: null };
      await transact(ctx, (ctx) => setLimits(ctx, actorId, limits, "a test", null));
    }
    made.push({ accountId, actorId });
  }
  return made;
}

/** An offer of 10 hours at 10 credits each, or what differs from it. */
export function publish(ctx: Ctx, author: Acting, different: Partial<ProposalInput> = {}): Promise<Id> {
  return publishProposal(ctx, author, {
    purpose: "offer",
    name: "Taller de contabilidad",
    content: "Dos horas en línea",
    category: "training",
    unit: "hour",
    available: "10",
    settlement: "credit",
    price: "10",
    online: true,
    language: "es",
    ...different,
  });
}

/** Answers a proposal at its first revision: one hour, unless told otherwise. */
export function answer(ctx: Ctx, who: Acting, proposalId: Id, quantity = 1): Promise<Id> {
  return offerAgreement(ctx, who, { proposalId, revision: 1, quantity, due: null });
}
