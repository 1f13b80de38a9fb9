import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";

/** Above what other programs listen on, and below what the system gives to whoever asks for any port. */
const FIRST = 11_000;
const END = 32_000;
/** Test files that run at the same time, at most; each has ports of its own. */
const SHARES = 4;
/** How far above a port one may ask for another. */
const REACH = 100;

const share = Math.floor((Math.min(END, firstGiven()) - FIRST) / SHARES) - REACH;
const from = FIRST + (share + REACH) * (Number(process.env.VITEST_POOL_ID ?? 0) % SHARES);
let next = Math.floor(Math.random() * share);

/** The first port that the system gives to listeners on port 0, and to everybody who connects. */
function firstGiven(): number {
  try {
    return Number.parseInt(readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8"), 10);
  } catch {
    return FIRST;
  }
}

/**
 * A free port of 127.0.0.1, and one that stays free, before the hub listens there and while it is away: no other test is given it, nor
 * does the system give it to anybody. Where all ports are the system's to give it is any that is free.
 *
 * @param above the port so many above it is free, too; 100 at most
 */
export async function freePort(above = 0): Promise<number> {
  for (;;) {
    const port = await tried(share > 0 ? from + (next++ % share) : 0);
    if (port !== null && (above === 0 || (await tried(port + above)) !== null)) return port;
  }
}

async function tried(port: number): Promise<number | null> {
  const server = createServer().listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch {
    return null;
  }
  const { port: found } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return found;
}
