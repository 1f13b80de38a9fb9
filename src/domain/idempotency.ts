import { createHash } from "node:crypto";
import { and, eq, lt } from "drizzle-orm";
import type { Id } from "../db/ids.ts";
import { idempotencyKeys } from "../db/schema/agreements.ts";
import type { Ctx } from "./context.ts";
import { DomainError } from "./errors.ts";
import { transact } from "./transact.ts";

/** What was answered, as it can be answered again. */
export interface Answer {
  status: number;
  location: string | null;
  body: string;
}

export const KEY_MAX = 200;
const KEPT = 7 * 86_400_000;

/**
 * Does what a request with an `Idempotency-Key` asks for, once: sent again it gets the first answer, however often and to
 * whichever process; what failed may be tried again under its key. All in one transaction, so that the key and the effect exist
 * together.
 *
 * @param request what identifies the request: method, path and body
 * @throws DomainError key_reused when the key came with another request before, invalid
 */
export async function once(
  ctx: Ctx,
  actorId: Id,
  key: string,
  request: string,
  effect: (ctx: Ctx) => Promise<Answer>,
): Promise<Answer> {
  if (!/^[\x21-\x7e]+$/.test(key) || key.length > KEY_MAX)
    throw new DomainError("invalid", `an idempotency key is 1 to ${KEY_MAX} visible characters`);
  const digest = createHash("sha256").update(request).digest();
  const row = and(eq(idempotencyKeys.actorId, actorId), eq(idempotencyKeys.key, key));
  return transact(ctx, async (ctx) => {
    // Who has inserted it and not ended yet is waited for here.
    const first = await ctx.db
      .insert(idempotencyKeys)
      .values({ actorId, key, request: digest, status: 0, body: "", created: ctx.clock.now() })
      .onConflictDoNothing()
      .returning({ key: idempotencyKeys.key });
    if (first.length > 0) {
      const answer = await effect(ctx);
      await ctx.db.update(idempotencyKeys).set(answer).where(row);
      return answer;
    }
    const [known] = await ctx.db.select().from(idempotencyKeys).where(row);
    if (known === undefined || !known.request.equals(digest))
      throw new DomainError("key_reused", "this idempotency key came with another request");
    return { status: known.status, location: known.location, body: known.body };
  });
}

/** Forgets keys that are a week old; called by the clock. */
export async function sweepIdempotencyKeys(ctx: Ctx): Promise<void> {
  await ctx.db
    .delete(idempotencyKeys)
    .where(lt(idempotencyKeys.created, new Date(ctx.clock.now().getTime() - KEPT)));
}
