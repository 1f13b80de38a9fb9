import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import type { Resolve } from "../../src/federation/egress/names.ts";
import { createTransport } from "../../src/federation/egress/transport.ts";
import { installEgress } from "../../src/federation/egress.ts";

/** A server of this machine, closed when the test ends. */
export interface Loopback {
  /** Without a slash at the end. */
  origin: string;
  port: number;
  /** All that came, in order. */
  requests: IncomingMessage[];
  /** Connections accepted so far. */
  connections: number;
  /** Connections that are open now. */
  open: Set<Socket>;
  close(): Promise<void>;
}

/** A server of HTTP that outgoing requests may reach. */
export async function serve(listener: RequestListener): Promise<Loopback> {
  const server = createServer(listener);
  const loopback = await listen(server);
  server.on("request", (request) => loopback.requests.push(request));
  return allowed(loopback);
}

/** A server that outgoing requests may reach and that is given bare connections, to answer what no decent one would. */
export async function serveRaw(onConnection: (socket: Socket) => void): Promise<Loopback> {
  const server = createTcpServer((socket) => {
    // What comes is not of interest, but unread it would hide that the other side has gone.
    socket.resume();
    onConnection(socket);
  });
  return allowed(await listen(server));
}

/**
 * A server where no connection must ever come: on 127.0.0.3, at a port where 127.0.0.1 is allowed, so that it is the
 * address alone that forbids it.
 */
export async function canary(): Promise<Loopback> {
  const loopback = await listen(
    createTcpServer((socket) => socket.destroy()),
    "127.0.0.3",
  );
  installEgress({ allow: [`127.0.0.1:${loopback.port}`] });
  return loopback;
}

/** Opens a port, which nothing may reach yet. */
export async function listen(server: Server, address = "127.0.0.1"): Promise<Loopback> {
  const open = new Set<Socket>();
  const loopback: Loopback = { origin: "", port: 0, requests: [], connections: 0, open, close };
  server.on("connection", (socket: Socket) => {
    loopback.connections += 1;
    open.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => open.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  loopback.port = (server.address() as AddressInfo).port;
  loopback.origin = `http://${address}:${loopback.port}`;
  onTestFinished(close);
  return loopback;

  function close(): Promise<void> {
    return new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of open) socket.destroy();
    });
  }
}

/** Lets outgoing requests reach a server. */
export function allowed(loopback: Loopback): Loopback {
  installEgress({ allow: [`127.0.0.1:${loopback.port}`] });
  return loopback;
}

/** Answers with a document, ActivityStreams unless said. */
export function answer(
  response: ServerResponse,
  document: unknown = {},
  contentType = "application/activity+json",
): void {
  response.writeHead(200, { "content-type": contentType }).end(JSON.stringify(document));
}

/**
 * A GET through connections of its own, where names have the addresses that `resolve` gives. Takes an origin and returns
 * the status when all has come.
 */
export function getWith(resolve: Resolve, allow: string[] = []): (origin: string) => Promise<number> {
  const transport = createTransport(resolve);
  transport.allow(allow);
  return (origin) => {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    let answered = 0;
    transport.send(
      origin,
      { path: "/", method: "GET" },
      {
        onResponseStart(_controller, status) {
          answered = status;
        },
        onResponseEnd: () => resolve(answered),
        onResponseError: (_controller, error) => reject(error),
      },
      { bytes: 1_000, timeout: 10_000, identity: true, compressed: false, again: false },
    );
    return promise;
  };
}

/** Waits for something, whatever timers are. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
