import { connect } from "node:net";

/** What became of many requests. */
export interface Outcome {
  /** How often each status came. */
  statuses: Record<number, number>;
  /** Wall time from the first request to the last answer. */
  seconds: number;
  /** Milliseconds. */
  median: number;
  p99: number;
}

/**
 * Sends requests over kept connections to a port of this machine, one after the other in each, until `next` has none left.
 * Written on bare sockets: what the sender uses of the processors is lost to the one that is measured.
 *
 * @param next the bytes of the next request
 * @throws Error when a connection breaks
 */
export async function drive(
  port: number,
  connections: number,
  next: () => Buffer | undefined,
): Promise<Outcome> {
  const statuses: Record<number, number> = {};
  const times: number[] = [];
  const started = performance.now();
  await Promise.all(Array.from({ length: connections }, () => one()));
  const seconds = (performance.now() - started) / 1000;
  times.sort((a, b) => a - b);
  return { statuses, seconds, median: quantile(times, 0.5), p99: quantile(times, 0.99) };

  function one(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    let answer: Buffer = Buffer.alloc(0);
    let sent = 0;
    const send = () => {
      const request = next();
      if (request === undefined) {
        socket.end();
        resolve();
        return;
      }
      sent = performance.now();
      socket.write(request);
    };
    socket.once("connect", send);
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("the hub closed a connection")));
    socket.on("data", (chunk: Buffer) => {
      answer = answer.length === 0 ? chunk : Buffer.concat([answer, chunk]);
      const status = complete(answer);
      if (status === null) return;
      answer = Buffer.alloc(0);
      times.push(performance.now() - sent);
      statuses[status] = (statuses[status] ?? 0) + 1;
      send();
    });
    return promise;
  }
}

/** The status when the whole answer is there; only one is ever under way, so its end is the end of the bytes. */
function complete(answer: Buffer): number | null {
  const end = answer.indexOf("\r\n\r\n");
  if (end === -1) return null;
  const head = answer.toString("latin1", 0, end + 2);
  const status = Number(head.slice(9, 12));
  const length = /\r\ncontent-length: (\d+)\r\n/i.exec(head)?.[1];
  const whole =
    length === undefined
      ? status === 304 || status === 204 || answer.toString("latin1", answer.length - 5) === "0\r\n\r\n"
      : answer.length >= end + 4 + Number(length);
  return whole ? status : null;
}

function quantile(sorted: number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
