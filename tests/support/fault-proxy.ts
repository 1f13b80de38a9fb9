import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { endLater } from "./database.ts";

/** What may happen to a request between two hubs. */
export const FAULTS = [
  /** It never arrives. */
  "drop",
  /** It arrives, and the answer is lost. */
  "lost",
  /** It arrives, and is answered 500. */
  "error",
  /** It arrives twice. */
  "duplicate",
  "delay",
  /** It waits until the one after it has arrived. */
  "reorder",
  /** Half of it arrives, as if it were all. */
  "truncate",
  /** The connection breaks in its middle. */
  "cut",
  /** It arrives in small pieces. */
  "slow",
] as const;
export type Fault = (typeof FAULTS)[number];

/** A request that stands in front of the hub. */
export interface Caught {
  body: string;
  /** It never arrives. */
  drop(): void;
  /** It goes on its way. */
  deliver(): void;
}

export interface FaultProxy {
  origin: string;
  host: string;
  /** Port of the hub behind it. */
  target: number;
  /** Share of envelopes, and of other requests of hubs, that something happens to, 0 to 1. */
  rate: { envelopes: number; others: number };
  /** Nothing arrives; the other direction has a proxy of its own. */
  partition: boolean;
  /** What it did, and how much went through unharmed. */
  counts: Record<Fault | "partition" | "passed", number>;
  /** When it last did something to a request, by `performance.now()`. */
  last: number;
  /** Stops the next envelope that holds these words. */
  catch(words: string): Promise<Caught>;
}

interface Coming {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/**
 * The only way to a hub: an address in front of it at which requests of other hubs come to grief, in the order that the seed gives. Those of
 * people and programs pass. One proxy in front of each of two hubs makes each direction a road of its own.
 */
export async function startFaultProxy(seed: number): Promise<FaultProxy> {
  const random = randomOf(seed);
  const bag: Fault[] = [];
  const waiting: { words: string; caught: (request: Caught) => void }[] = [];
  let passing = Promise.withResolvers<void>();

  const server = createServer(async (incoming, response) => {
    const coming = await read(incoming).catch(() => null);
    // Whoever sent it is gone.
    if (coming === null) return void response.destroy();
    try {
      if (!/^Ayni\//.test(coming.headers["user-agent"] ?? "")) await answer(response, forward(coming));
      else if (await isStopped(coming)) response.destroy();
      else await meddle(coming, response);
    } catch {
      // The hub behind is down, or went down.
      response.destroy();
    }
  });

  /** Whether a test stopped it for good. */
  async function isStopped({ path, body }: Coming): Promise<boolean> {
    const text = path === "/clearing" ? body.toString() : "";
    const index = waiting.findIndex(({ words }) => text.includes(words));
    if (index < 0) return false;
    const [{ caught }] = waiting.splice(index, 1) as [(typeof waiting)[number]];
    return new Promise((resolve) =>
      caught({ body: text, drop: () => resolve(true), deliver: () => resolve(false) }),
    );
  }

  async function meddle(coming: Coming, response: ServerResponse): Promise<void> {
    if (proxy.partition) {
      happened("partition");
      response.destroy();
      return;
    }
    const { envelopes, others } = proxy.rate;
    const fault = random() < (coming.path === "/clearing" ? envelopes : others) ? nextFault() : undefined;
    if (fault === undefined) proxy.counts.passed++;
    else happened(fault);
    const { body } = coming;
    const half = body.subarray(0, body.length / 2);
    switch (fault) {
      case "drop":
        return void response.destroy();
      case "lost":
        await forward(coming);
        return void response.destroy();
      case "error":
        await forward(coming);
        return void response.writeHead(500).end();
      case "duplicate":
        return answer(
          response,
          Promise.all([forward(coming), forward(coming)]).then(([, last]) => last),
        );
      case "delay":
        await sleep(100 + random() * 900);
        return answer(response, forward(coming));
      case "reorder":
        await Promise.race([passing.promise, sleep(1_500)]);
        return answer(response, forward(coming));
      case "truncate":
        return answer(response, forward({ ...coming, body: half }));
      case "cut":
        await forward(coming, { until: half.length }).catch(() => {});
        return void response.destroy();
      case "slow":
        return answer(response, forward(coming, { pause: 40 }));
      default:
        await answer(response, forward(coming));
        passing.resolve();
        passing = Promise.withResolvers();
    }
  }

  /** Each kind once, in an order by chance; and again. */
  function nextFault(): Fault {
    if (bag.length === 0) bag.push(...FAULTS);
    return bag.splice(Math.floor(random() * bag.length), 1)[0] as Fault;
  }

  function happened(what: Fault | "partition"): void {
    proxy.counts[what]++;
    proxy.last = performance.now();
  }

  /** @param until only so many bytes, and then the connection breaks; `pause`: between its pieces */
  function forward(
    { method, path, headers, body }: Coming,
    { until = body.length, pause = 0 } = {},
  ): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const { "transfer-encoding": _, connection: __, ...same } = headers;
    const length = method === "GET" ? {} : { "content-length": String(body.length) };
    const outgoing = request({
      ...{ host: "127.0.0.1", port: proxy.target, method, path, agent: false },
      headers: { ...same, ...length },
    });
    outgoing.on("response", (response) => {
      read(response).then(({ body, headers }) => {
        resolve({ status: response.statusCode ?? 502, headers, body });
      }, reject);
    });
    outgoing.on("error", reject);
    void send();
    return promise;

    async function send(): Promise<void> {
      const piece = pause > 0 ? Math.max(1, Math.ceil(body.length / 20)) : body.length;
      for (let at = 0; at < until; at += piece) {
        if (outgoing.destroyed) return;
        outgoing.write(body.subarray(at, Math.min(at + piece, until)));
        if (pause > 0) await sleep(pause);
      }
      if (until < body.length) setImmediate(() => outgoing.destroy());
      else outgoing.end();
    }
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  endLater(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const counts = Object.fromEntries([...FAULTS, "partition", "passed"].map((what) => [what, 0]));
  const proxy: FaultProxy = {
    ...{
      origin: `http://${host}`,
      host,
      target: 0,
      rate: { envelopes: 0, others: 0 },
      partition: false,
      last: 0,
    },
    counts: counts as FaultProxy["counts"],
    catch: (words) => new Promise((caught) => waiting.push({ words, caught })),
  };
  return proxy;
}

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

async function answer(response: ServerResponse, coming: Promise<Answer>): Promise<void> {
  const { status, headers, body } = await coming;
  const { "transfer-encoding": _, connection: __, "content-length": ___, ...same } = headers;
  response.writeHead(status, same).end(body);
}

async function read(incoming: IncomingMessage): Promise<Coming> {
  const { method = "", url = "", headers } = incoming;
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return { method, path: url, headers, body: Buffer.concat(chunks) };
}

/** Mulberry32: the same seed, the same numbers from 0 to 1. */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
