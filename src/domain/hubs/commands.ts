import { sql } from "drizzle-orm";
import { hubs } from "../../db/schema/hubs.ts";
import { insertAccount, type NewAccount, prepareAccount } from "../accounts/commands.ts";
import { createActor } from "../actors/commands.ts";
import { generateKeys } from "../actors/keys.ts";
import { parseAmount } from "../amounts.ts";
import type { Acting, Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { plainToHtml } from "../html.ts";
import { transact } from "../transact.ts";
import { optionalText, requiredText } from "../validate.ts";
import { findHub } from "./queries.ts";

export interface Setup {
  name: string;
  description?: string | undefined;
  locale: string;
  currencyName: string;
  currencySymbol: string;
  /** Credits that an hour is worth, as typed ("1", "7,5"); one when it is left out. */
  currencyRate?: string | undefined;
  admin: Omit<NewAccount, "role" | "locale">;
}

/**
 * The first run: the hub, its own actor (FEP-2677 `Application`) and its first administrator, together or not at all.
 *
 * @throws DomainError already_set_up, not_a_number, and as prepareAccount (fields `admin_handle`, `admin_email`, `admin_password`)
 */
export async function setUpHub(ctx: Ctx, input: Setup): Promise<Acting> {
  if ((await findHub(ctx)) !== null) throw new DomainError("already_set_up", "this hub is set up already");
  const name = requiredText("name", input.name, 80);
  const description = optionalText("description", input.description, 1000) ?? "";
  const currencyName = requiredText("currency_name", input.currencyName, 40);
  const currencySymbol = requiredText("currency_symbol", input.currencySymbol, 8);
  const { n: currencyRateN, d: currencyRateD } = rateFrom(input.currencyRate ?? "");
  const account = await prepareAccount(ctx, { ...input.admin, role: "admin", locale: input.locale }).catch(
    adminField,
  );
  const hubKeys = await generateKeys(ctx);
  return transact(ctx, async (ctx) => {
    // Two browsers may send the form at once.
    await ctx.db.execute(sql`select pg_advisory_xact_lock(hashtext('ayni setup'))`);
    if ((await findHub(ctx)) !== null) throw new DomainError("already_set_up", "this hub is set up already");
    const actorId = await createActor(
      ctx,
      { kind: "Application", handle: "hub", name, summary: plainToHtml(description) },
      hubKeys,
    );
    await ctx.db.insert(hubs).values({
      origin: ctx.hub.origin,
      actorId,
      name,
      description,
      locale: input.locale,
      currencyName,
      currencySymbol,
      currencyRateN,
      currencyRateD,
      created: ctx.clock.now(),
    });
    return insertAccount(ctx, account).catch(adminField);
  });
}

const RATE_DECIMALS = 4;

/** Credits per HOUR as a fraction in lowest terms. @throws DomainError not_a_number (field `currency_rate`) */
function rateFrom(text: string): { n: bigint; d: bigint } {
  if (text.trim() === "") return { n: 1n, d: 1n };
  const n = parseAmount("currency_rate", text, RATE_DECIMALS);
  const d = 10n ** BigInt(RATE_DECIMALS);
  const divisor = greatestCommonDivisor(n, d);
  return { n: n / divisor, d: d / divisor };
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  return b === 0n ? a : greatestCommonDivisor(b, a % b);
}

/** The form calls the first account's fields `admin_…`. */
function adminField(error: unknown): never {
  if (error instanceof DomainError && error.field !== undefined) {
    throw new DomainError(error.code, error.message, {
      field: `admin_${error.field}`,
      details: { ...error.details },
    });
  }
  throw error;
}
