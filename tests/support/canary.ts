import type { AddressInfo } from "node:net";
import { createServer } from "node:net";

/** A loopback address that nobody has any business to touch: it counts who does. */
export interface Canary {
  port: number;
  connections: number;
  close(): Promise<void>;
}

export async function startCanary(): Promise<Canary> {
  const server = createServer((socket) => {
    canary.connections += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.3", resolve));
  const canary: Canary = {
    port: (server.address() as AddressInfo).port,
    connections: 0,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
  return canary;
}
