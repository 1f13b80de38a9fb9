import { createProgram } from "./commands/program.ts";
import { ConfigError } from "./config.ts";
import { DomainError } from "./domain/errors.ts";

try {
  await createProgram().parseAsync();
} catch (error) {
  process.stderr.write(`ayni: ${isTold(error) ? error.message : stack(error)}\n`);
  process.exitCode = 1;
}

/**
 * What a person can mend was thrown as a plain Error with a text that says how, or is one of these two; a fault of the program
 * is of another class (TypeError, PostgresError, a system call's with its code) and is told with where it happened.
 */
function isTold(error: unknown): error is Error {
  if (error instanceof ConfigError || error instanceof DomainError) return true;
  return error instanceof Error && error.constructor === Error && !("code" in error);
}

function stack(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
