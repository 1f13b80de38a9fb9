import { createHash } from "node:crypto";
import { sql } from "drizzle-orm";
import { tokens } from "../../db/schema/accounts.ts";

/** What is stored of a session's or token's secret: 256 random bits need no salt and no slow hash. */
export function hashToken(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}

/** What a token is called by where it must not be shown: the beginning of its hash, which opens nothing. */
export const TOKEN_ID = sql<string>`left(encode(${tokens.tokenHash}, 'hex'), 12)`;
