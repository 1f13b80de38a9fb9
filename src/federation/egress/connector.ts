import { connect, isIP, type Socket } from "node:net";
import { setTimeout } from "node:timers/promises";
import { buildConnector, errors } from "undici";
import { isPublicAddress, pairOf } from "./addresses.ts";
import { EgressError } from "./error.ts";
import type { Resolve } from "./names.ts";

/** For each of: the name, the TCP connection, the TLS handshake. A request's own deadline may come before. */
const PHASE_TIMEOUT = 5_000;

/**
 * Makes undici's connector: the place where it is decided whom this process talks to. Each connection, of a redirect
 * or a second attempt too, resolves its name once and connects to the addresses that were checked, so that there is no
 * second DNS answer to be fooled by (GHSA-r48c).
 * @param allowed pairs as `pairOf` spells them; may grow later
 */
export function createConnector(allowed: ReadonlySet<string>, resolve: Resolve): buildConnector.connector {
  const secure = buildConnector({ allowH2: false, rejectUnauthorized: true, timeout: PHASE_TIMEOUT });

  async function open({ hostname, port: givenPort, protocol }: buildConnector.Options): Promise<Socket> {
    const port = Number(givenPort) || (protocol === "https:" ? 443 : 80);
    // A name without a dot belongs to the network that we stand in.
    const publicHost = protocol === "https:" && (isIP(hostname) !== 0 || hostname.includes("."));
    const permits = (address: string) =>
      allowed.has(pairOf(address, port)) || (publicHost && isPublicAddress(address));

    const addresses = isIP(hostname) !== 0 ? [hostname] : await inTime(resolve(hostname));
    if (addresses.length === 0) throw new EgressError("unreachable", `${hostname} has no address.`);
    const permitted = addresses.filter(permits);
    if (permitted.length === 0) {
      throw new EgressError(
        "forbidden_address",
        `${protocol}//${hostname}:${port} is not to be reached from here.`,
      );
    }
    return dial(hostname, permitted, port, permits);
  }

  return (options, callback) => {
    const ready: buildConnector.Callback = (...outcome) => {
      const socket = outcome[1];
      socket?.once("error", (error: NodeJS.ErrnoException) => {
        const broken = error.code === "ECONNRESET" || error.code === "EPIPE";
        if (broken && socket.bytesRead > 0) brokenAfterUse.add(error);
      });
      callback(...outcome);
    };
    open(options).then(
      (socket) => {
        if (options.protocol === "https:") secure({ ...options, httpSocket: socket }, ready);
        else ready(null, socket);
      },
      (error) => ready(error, null),
    );
  };
}

/**
 * Connects to one of the addresses of a host, and looks at the other end before a byte is written.
 * @throws EgressError `forbidden_address`, `timeout`; and what net throws
 */
export function dial(
  hostname: string,
  addresses: readonly string[],
  port: number,
  permits: (address: string) => boolean,
): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect({
    host: hostname,
    port,
    lookup: (_hostname, _options, done) => {
      done(
        null,
        addresses.map((address) => ({ address, family: isIP(address) })),
      );
    },
    autoSelectFamily: true,
    // Node's 500 ms give up too early on satellite and on slow mobile links.
    autoSelectFamilyAttemptTimeout: 1_500,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
  });
  const onTimeout = () => socket.destroy(new EgressError("timeout", `${hostname} does not answer.`));
  socket.setTimeout(PHASE_TIMEOUT, onTimeout);
  // Stays, so that a reset in the moment before undici takes over is not an uncaught exception.
  socket.on("error", reject);
  socket.once("connect", () => {
    socket.setTimeout(0, onTimeout);
    if (permits(socket.remoteAddress ?? "")) resolve(socket);
    else socket.destroy(new EgressError("forbidden_address", `${hostname} led to ${socket.remoteAddress}.`));
  });
  return promise;
}

const brokenAfterUse = new WeakSet<object>();

/**
 * Whether a connection broke over which something had been read before. When the answer had not begun, that was for earlier
 * requests: the server closed it while it was idle, as snac does unannounced.
 */
export function closedWhileIdle(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  if (brokenAfterUse.has(error)) return true;
  return error instanceof errors.SocketError && (error.socket?.bytesRead ?? 0) > 0;
}

async function inTime<T>(promise: Promise<T>): Promise<T> {
  const over = new AbortController();
  const late = setTimeout(PHASE_TIMEOUT, undefined, { signal: over.signal }).then(() => {
    throw new EgressError("timeout", "The name was not resolved.");
  });
  late.catch(() => {});
  try {
    return await Promise.race([promise, late]);
  } finally {
    over.abort();
  }
}
