import { DomainError } from "./errors.ts";

/**
 * Lets few do at once what takes much memory or many threads, and some wait for it in the order in which they came.
 *
 * @returns does the work when it is its turn. @throws DomainError busy when too many wait
 */
export function createGate(options: { atOnce: number; waiting: number }) {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async function limited<T>(work: () => Promise<T>): Promise<T> {
    if (running < options.atOnce) {
      running++;
    } else {
      if (waiting.length >= options.waiting) throw new DomainError("busy", "too many at this moment");
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
    try {
      return await work();
    } finally {
      // Its place is handed on: were it given back first, somebody new could take it before the one who waits.
      const next = waiting.shift();
      if (next === undefined) running--;
      else next();
    }
  };
}
