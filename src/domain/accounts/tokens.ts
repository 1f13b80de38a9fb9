import { createHash } from "node:crypto";

/** What is stored of a session's or token's secret: 256 random bits need no salt and no slow hash. */
export function hashToken(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}
