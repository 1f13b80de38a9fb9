import { createProgram } from "./commands/program.ts";
import { ConfigError } from "./config.ts";
import { DomainError } from "./domain/errors.ts";

try {
  await createProgram().parseAsync();
} catch (error) {
  // What a person can mend is told in a sentence; a fault of the program with where it happened.
  const told = error instanceof ConfigError || error instanceof DomainError;
  const text =
    error instanceof Error ? (told ? error.message : (error.stack ?? error.message)) : String(error);
  process.stderr.write(`ayni: ${text}\n`);
  process.exitCode = 1;
}
