import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { Socket } from "node:net";
import { createServer as createTlsServer, getCACertificates, setDefaultCACertificates } from "node:tls";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { fetchDocument, installEgress, post } from "../../src/federation/egress.ts";
import { allowed, answer, getWith, listen, serve, serveRaw, until } from "./loopback.ts";

installEgress({ allow: [] });

const send = (url: string) =>
  post(url, { headers: { "content-type": "application/activity+json" }, body: '{"type":"Create"}' });

describe("a delivery", () => {
  it("arrives as it was made", async () => {
    const bodies: string[] = [];
    const { origin, requests } = await serve(async (request, response) => {
      bodies.push(await new Response(request as unknown as ReadableStream).text());
      response.writeHead(202).end();
    });
    const body = Buffer.from('{"name":"ñandú"}');
    const headers = { "Content-Type": "application/activity+json", Date: "now", Signature: "s" };
    expect(await post(`${origin}/inbox?a=b`, { headers, body })).toEqual({ status: 202, retryAfter: null });
    expect(bodies).toEqual([body.toString()]);
    expect(requests[0]).toMatchObject({ method: "POST", url: "/inbox?a=b" });
    expect(requests[0]?.headers).toMatchObject({
      "content-type": "application/activity+json",
      "content-length": String(body.length),
      date: "now",
      signature: "s",
    });
  });

  it.each([200, 301, 308, 401, 404, 410, 429, 500, 503])(
    "tells status %d and follows nothing",
    async (status) => {
      const { origin, requests } = await serve((_request, response) =>
        response.writeHead(status, { location: "/elsewhere" }).end(),
      );
      expect(await send(origin)).toEqual({ status, retryAfter: null });
      expect(requests).toHaveLength(1);
    },
  );

  it.each([
    ["Sun, 06 Nov 2044 08:49:37 GMT", "2044-11-06T08:49:37.000Z"],
    ["soon", null],
    ["-5 minutes", null],
    ["1e999", null],
  ])("tells when it may be repeated: %s", async (retryAfter, moment) => {
    const { origin } = await serve((_request, response) =>
      response.writeHead(429, { "retry-after": retryAfter }).end(),
    );
    const outcome = await send(origin);
    expect(outcome.retryAfter?.toISOString() ?? null).toBe(moment);
  });

  it("is settled by the status, whatever drips behind it", async () => {
    const server = await serveRaw((socket) => {
      socket.write("HTTP/1.1 202 Accepted\r\ncontent-length: 100\r\n\r\n");
    });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    expect(await send(server.origin)).toMatchObject({ status: 202 });
    expect(server.open.size).toBe(1);
    vi.advanceTimersByTime(10_000);
    await until(() => server.open.size === 0);
  });

  it("keeps its connection after a short answer, not after a long one", async () => {
    const short = await serve((_request, response) => response.end("a".repeat(60_000)));
    const long = await serve((_request, response) => response.end("a".repeat(100_000)));
    await send(short.origin);
    await send(long.origin);
    await until(() => long.open.size === 0);
    expect(short.open.size).toBe(1);
  });

  it("is sent once more when a kept connection was closed unannounced, as snac does", async () => {
    let served = 0;
    const server = await serveRaw((socket) => {
      let requests = 0;
      socket.on("data", () => {
        requests += 1;
        if (requests === 1) respond(socket);
        else if (served++ === 0) socket.resetAndDestroy();
        else socket.destroy();
      });
    });
    for (let round = 0; round < 3; round++) {
      expect(await send(server.origin)).toMatchObject({ status: 202 });
      await turn();
    }
    expect(server.connections).toBe(3);
    // So it is with documents.
    await expect(fetchDocument(server.origin, { expect: "json" })).rejects.toMatchObject({
      code: "bad_content_type",
    });
    expect(server.connections).toBe(4);
  });

  it.each<[string, (socket: Socket) => void]>([
    ["closed", (socket) => socket.destroy()],
    ["reset", (socket) => socket.resetAndDestroy()],
  ])("is not sent once more when a new connection is %s, nor ever a third time", async (_name, end) => {
    const fresh = await serveRaw((socket) => socket.once("data", () => end(socket)));
    await expect(send(fresh.origin)).rejects.toMatchObject({ code: "unreachable" });
    expect(fresh.connections).toBe(1);

    let requests = 0;
    const stale = await serveRaw((socket) => {
      socket.on("data", () => (requests++ < 3 ? respond(socket) : end(socket)));
    });
    await Promise.all([1, 2, 3].map(() => send(stale.origin)));
    await turn();
    await expect(send(stale.origin)).rejects.toMatchObject({ code: "unreachable" });
    expect(requests).toBe(5);
  });

  it.each(["HTTP/1.1 202 Acc", "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"])(
    "is not sent once more when %j has been answered",
    async (beginning) => {
      const server = await serveRaw((socket) => {
        socket.once("data", () => socket.write(beginning, () => socket.resetAndDestroy()));
      });
      await expect(send(server.origin)).rejects.toMatchObject({ code: "unreachable" });
      expect(server.connections).toBe(1);
    },
  );

  it("leaves no timer behind that would keep a process from ending", async () => {
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
    const { origin } = await serve((_request, response) => answer(response));
    const before = timers();
    await fetchDocument(origin, { expect: "activity" });
    await (await fetch(origin)).text();
    expect(timers()).toBeLessThanOrEqual(before);
  });

  it("to nobody fails", async () => {
    const { origin, close } = await serve((_request, response) => response.end());
    await close();
    await expect(send(origin)).rejects.toMatchObject({ code: "unreachable", name: "EgressError" });
  });
});

describe("connections", () => {
  it("are at most eight to one origin", async () => {
    const server = await serve((_request, response) => setImmediate(() => response.end()));
    let most = 0;
    await Promise.all(
      Array.from({ length: 100 }, async () => {
        await send(server.origin);
        most = Math.max(most, server.open.size);
      }),
    );
    expect(server.requests).toHaveLength(100);
    expect(most).toBe(8);
    expect(server.connections).toBe(8);
  });

  it("are kept to 1,024 origins, and those that were used longest ago are closed first", async () => {
    const server = await serveRaw((socket) => socket.on("data", () => respond(socket)));
    const get = getWith(async () => ["127.0.0.1"], [`127.0.0.1:${server.port}`]);
    const ask = (host: number) => get(`http://${host}.example:${server.port}`);
    for (let host = 0; host < 1_024; host += 128) {
      await Promise.all(Array.from({ length: 128 }, (_, index) => ask(host + index)));
    }
    expect(server.open.size).toBe(1_024);
    await ask(0);
    await ask(1_024);
    await ask(1_025);
    await until(() => server.open.size === 1_024);
    await ask(0);
    expect(server.connections).toBe(1_026);
    await ask(1);
    expect(server.connections).toBe(1_027);
  });
});

describe("https", () => {
  const pem = (name: string) => readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url), "utf8");
  const certificate = { key: pem("key"), cert: pem("cert") };

  async function serveHttps(): Promise<{ port: number; heads: string[] }> {
    const heads: string[] = [];
    const server = createServer(certificate, (request, response) => {
      heads.push(`${request.method} ${request.headers.host} h${request.httpVersion}`);
      answer(response);
    });
    const { port } = allowed(await listen(server));
    return { port, heads };
  }

  it("sends nothing to a host whose certificate nobody vouches for", async () => {
    const { port, heads } = await serveHttps();
    await expect(send(`https://127.0.0.1:${port}/`)).rejects.toMatchObject({ code: "unreachable" });
    expect(heads).toEqual([]);
  });

  it("reaches the right host over kept connections, and no host of another name", async () => {
    trust(certificate.cert);
    const { port, heads } = await serveHttps();
    await send(`https://127.0.0.1:${port}/`);
    await fetchDocument(`https://127.0.0.1:${port}/`, { expect: "activity" });
    await fetch(`https://127.0.0.1:${port}/`);
    expect(heads).toEqual(["POST", "GET", "GET"].map((method) => `${method} 127.0.0.1:${port} h1.1`));

    const get = getWith(async () => ["127.0.0.1"], [`127.0.0.1:${port}`]);
    expect(await get(`https://hub.example:${port}`)).toBe(200);
    await expect(get(`https://other.example:${port}`)).rejects.toMatchObject({ code: "unreachable" });
    expect(heads).toHaveLength(4);
  });

  it("sends once more when a kept connection was closed unannounced", async () => {
    trust(certificate.cert);
    let requests = 0;
    const server = createTlsServer(certificate, (socket) => {
      let first = true;
      socket.on("error", () => {});
      socket.on("data", () => {
        requests += 1;
        if (first) respond(socket);
        else socket.destroy();
        first = false;
      });
    });
    const { port } = allowed(await listen(server));
    for (let n = 0; n < 2; n++) {
      expect(await send(`https://127.0.0.1:${port}/`)).toMatchObject({ status: 202 });
      await turn();
    }
    expect(requests).toBe(3);
  });

  function trust(certificate: string): void {
    const before = getCACertificates("default");
    setDefaultCACertificates([...before, certificate]);
    onTestFinished(() => setDefaultCACertificates(before));
  }
});

function respond(socket: Socket): void {
  socket.write("HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n");
}

/** undici takes a connection back in the next turn of the event loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
