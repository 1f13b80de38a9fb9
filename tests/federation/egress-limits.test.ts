import { execFile } from "node:child_process";
import type { Socket } from "node:net";
import type { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { fetchDocument, installEgress, post } from "../../src/federation/egress.ts";
import { answer, type Loopback, serve, serveRaw, until } from "./loopback.ts";

installEgress({ allow: [] });

const MEGABYTE = 1_000_000;
const HEAD = "HTTP/1.1 200 OK\r\ncontent-type: application/activity+json\r\n";

const get = (url: string, timeout: number) => fetchDocument(url, { expect: "activity", timeout });
const send = (url: string, timeout = 10_000) => post(url, { headers: {}, body: "{}", timeout });

describe("a hostile server", () => {
  it("costs neither memory nor traffic with 200 MB, a gzip bomb or endless headers (CVE-2025-32949)", async () => {
    const decent = await serve((_request, response) => answer(response));
    const flood = await serve((_request, response) => {
      pour(response.writeHead(200, { "content-type": "application/activity+json" }));
    });
    const megabyte = gzipSync(Buffer.alloc(MEGABYTE));
    const bomb = await serve((_request, response) => {
      response.writeHead(200, { "content-type": "application/activity+json", "content-encoding": "gzip" });
      response.end(Buffer.concat(Array.from({ length: 300 }, () => megabyte)));
    });
    const header = await serveRaw((socket) => {
      socket.write("HTTP/1.1 200 OK\r\nx-endless: ");
      pour(socket);
    });
    const headers = await serveRaw((socket) => {
      socket.write("HTTP/1.1 200 OK\r\n");
      pour(socket, Buffer.from("x-many: 0\r\n".repeat(1_000)));
    });

    const { memory, read, codes } = await inAnotherProcess(decent, [flood, bomb, header, headers]);
    expect(codes).toEqual([
      ["too_large", "answered", "too_large"],
      ["too_large", "answered", "bad_content_type"],
      ["too_large", "too_large", "too_large"],
      ["too_large", "too_large", "too_large"],
    ]);
    expect(memory).toBeLessThan(100 * MEGABYTE);
    expect(read).toBeLessThan(4 * MEGABYTE);
    for (const { connections } of [flood, bomb, header, headers]) expect(connections).toBe(3);
  });

  const LINGERING: [name: string, onConnection: (socket: Socket) => void][] = [
    ["never answers", () => {}],
    ["drips a header", (socket) => drip(socket, "HTTP/1.1 200 OK\r\nx-slow: ", "a")],
    ["drips headers", (socket) => drip(socket, "HTTP/1.1 200 OK\r\n", "x-slow: a\r\n")],
    ["drips interim answers", (socket) => drip(socket, "", "HTTP/1.1 103 Early Hints\r\n\r\n")],
    ["drips a document", (socket) => drip(socket, `${HEAD}content-length: 1000\r\n\r\n`, " ")],
    ["drips chunks", (socket) => drip(socket, `${HEAD}transfer-encoding: chunked\r\n\r\n`, "1\r\n \r\n")],
    [
      "drips one chunk's extension",
      (socket) => drip(socket, `${HEAD}transfer-encoding: chunked\r\n\r\n1;`, "a"),
    ],
  ];

  it.each(LINGERING)("is left in time when it %s (CVE-2023-36461)", async (_name, onConnection) => {
    const server = await serveRaw(onConnection);
    await expect(get(server.origin, 200)).rejects.toMatchObject({ code: "timeout" });
    await until(() => server.open.size === 0);
  });

  it("is left in time when it redirects, each time a little late", async () => {
    const server = await serve((_request, response) => {
      setTimeout(() => response.writeHead(302, { location: "/" }).end(), 100);
    });
    await expect(get(server.origin, 250)).rejects.toMatchObject({ code: "timeout" });
  });

  describe("after ten seconds", () => {
    it.each([
      ["fetchDocument", (url: string) => fetchDocument(url, { expect: "json" })],
      ["post", (url: string) => send(url)],
      ["a bare fetch", (url: string) => fetch(url).catch(({ cause }) => Promise.reject(cause))],
    ])("is left by %s", async (_name, ask) => {
      const server = await serveRaw(() => {});
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
      onTestFinished(() => void vi.useRealTimers());
      const refused = expect(ask(server.origin)).rejects.toMatchObject({ code: "timeout" });
      await until(() => server.connections === 1);
      vi.advanceTimersByTime(9_000);
      expect(server.open.size).toBe(1);
      vi.advanceTimersByTime(1_000);
      await refused;
      await until(() => server.open.size === 0);
    });
  });

  it("is left by a bare fetch ten seconds after it began, however it is redirected", async () => {
    const waiting: Array<() => void> = [];
    const server = await serve((_request, response) => {
      waiting.push(() => response.writeHead(302, { location: "/" }).end());
    });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    onTestFinished(() => void vi.useRealTimers());
    const outcome = fetch(server.origin).catch(({ cause }) => cause);
    await until(() => waiting.length === 1);
    vi.advanceTimersByTime(6_000);
    waiting[0]?.();
    await until(() => waiting.length === 2);
    vi.advanceTimersByTime(4_000);
    const asked = process.hrtime.bigint();
    expect(await outcome).toMatchObject({ code: "timeout" });
    // By this clock, not by ten seconds of another one.
    expect(process.hrtime.bigint() - asked).toBeLessThan(9_000_000_000n);
  });

  it("holds nobody up longer than he said, and what was given up while it waited is never sent", async () => {
    const paths: string[] = [];
    const server = await serveRaw((socket) => {
      socket.on("data", (data) => paths.push(data.toString().split(" ")[1] ?? ""));
    });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const refused = (path: string, timeout: number) =>
      expect(send(server.origin + path, timeout)).rejects.toMatchObject({ code: "timeout" });
    const eight = Array.from({ length: 8 }, () => refused("/busy", 4_000));
    const givenUp = refused("/given-up", 1_000);
    await until(() => paths.length === 8);
    vi.advanceTimersByTime(1_000);
    await givenUp;
    vi.advanceTimersByTime(3_000);
    await Promise.all(eight);
    const next = refused("/next", 4_000);
    await until(() => paths.includes("/next"));
    vi.advanceTimersByTime(4_000);
    await next;
    expect(paths.filter((path) => path === "/busy")).toHaveLength(8);
    expect(paths).not.toContain("/given-up");
  });
});

/** Writes on and on, in turns with everybody else, until the other side has had enough; 200 MB at most. */
function pour(to: Writable, chunk: Buffer = Buffer.alloc(65_536, "a")): void {
  let left = 200 * MEGABYTE;
  const more = () => {
    if (to.destroyed || left <= 0) return void to.end();
    left -= chunk.length;
    if (to.write(chunk)) setImmediate(more);
    else to.once("drain", () => setImmediate(more));
  };
  to.on("error", () => {});
  more();
}

/** Writes a little every few milliseconds until the other side has gone. */
function drip(socket: Socket, first: string, again: string): void {
  socket.write(first);
  const timer = setInterval(() => socket.write(again), 10);
  socket.on("close", () => clearInterval(timer));
}

/** What each server does to the three ways out; bytes that the resident set grew by; most bytes read of a connection. */
async function inAnotherProcess(
  decent: Loopback,
  hostile: Loopback[],
): Promise<{ memory: number; read: number; codes: string[][] }> {
  const script = fileURLToPath(new URL("./egress-memory.ts", import.meta.url));
  const urls = [decent, ...hostile].map(({ origin }) => `${origin}/`);
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...urls]);
  return JSON.parse(stdout);
}
