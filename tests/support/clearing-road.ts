import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { endLater } from "./database.ts";

/** A road between hubs: what is posted to it is written down and brought to its end as often as the road wants. */
export interface Road {
  host: string;
  /** Where it leads: the other hub's origin. */
  target: string;
  /** What came, in order. */
  bodies: string[];
  /** How often the next one arrives; its sender is told by the first answer, or 202 when it is lost. */
  copies: (body: string) => number;
}

export async function startRoad(): Promise<Road> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    proxy.bodies.push(body);
    const sent = Array.from({ length: proxy.copies(body) }, () =>
      fetch(`${proxy.target}${request.url}`, {
        method: "POST",
        headers: { "content-type": request.headers["content-type"] ?? "" },
        body,
      }),
    );
    const [first] = await Promise.allSettled(sent);
    if (first === undefined) return response.writeHead(202).end();
    if (first.status === "rejected") return response.writeHead(502).end();
    const { status, headers } = first.value;
    const type = headers.get("content-type");
    const text = await first.value.text();
    response.writeHead(status, type === null ? {} : { "content-type": type }).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  endLater(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  const proxy: Road = { host: `127.0.0.1:${port}`, target: "", bodies: [], copies: () => 1 };
  return proxy;
}
