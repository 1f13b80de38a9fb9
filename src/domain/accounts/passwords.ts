import { hash, verify } from "@node-rs/argon2";
import { createGate } from "../gate.ts";

// Argon2id's default algorithm; OWASP's first choice of parameters: 19 MiB, two passes, one lane.
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const limited = createGate({ atOnce: 2, waiting: 20 });

/**
 * Argon2id as a PHC string. At most two hashes run at once and twenty wait, so that a storm of logins cannot take the
 * memory and threads that everybody else needs.
 *
 * @throws DomainError busy
 */
export function hashPassword(password: string): Promise<string> {
  return limited(() => hash(password, COST));
}

/** @throws DomainError busy */
export function verifyPassword(phc: string, password: string): Promise<boolean> {
  return limited(() => verify(phc, password));
}

/** Costs what a real verification costs, so that a login with an unknown name takes as long as one with a known name. */
export async function pretendToVerify(password: string): Promise<void> {
  await limited(() => hash(password, COST));
}
