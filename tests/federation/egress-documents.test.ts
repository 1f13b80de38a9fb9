import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { fetchDocument } from "../../src/federation/egress.ts";
import { answer, serve, serveRaw } from "./loopback.ts";

const get = (url: string) => fetchDocument(url, { expect: "activity" });

describe("a document", () => {
  it.each([
    "application/activity+json",
    "application/activity+json; charset=utf-8",
    "Application/Activity+JSON",
    'application/ld+json; profile="https://www.w3.org/ns/activitystreams"',
    "application/ld+json;profile=https://www.w3.org/ns/activitystreams",
    'application/ld+json; charset=utf-8; profile="https://example.org/x https://www.w3.org/ns/activitystreams"',
  ])("is ActivityStreams as %s", async (contentType) => {
    const { origin } = await serve((_request, response) => answer(response, { id: 1 }, contentType));
    expect(await get(origin)).toMatchObject({ json: { id: 1 }, contentType });
  });

  it.each([
    "application/json",
    "text/plain",
    "text/html",
    "image/png",
    "application/ld+json",
    'application/ld+json; profile="https://evil.example/activitystreams"',
    "application/ld+json; charset=https://www.w3.org/ns/activitystreams",
    "application/activity+json, text/html",
    "text/html; application/activity+json",
    "xapplication/activity+json",
    "application/activity+jsonx",
    "",
  ])("is not ActivityStreams as %j (GHSA-jhrq, CVE-2024-25636)", async (contentType) => {
    const { origin } = await serve((_request, response) => answer(response, { id: 1 }, contentType));
    await expect(get(origin)).rejects.toMatchObject({ code: "bad_content_type" });
  });

  it("is not ActivityStreams with two content types", async () => {
    const both =
      "content-type: text/plain\r\ncontent-type: application/activity+json\r\ncontent-length: 2\r\n\r\n{}";
    const { origin } = await serveRaw((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\n${both}`);
    });
    await expect(get(origin)).rejects.toMatchObject({ code: "bad_content_type" });
  });

  it("may be any JSON where that is expected, and nothing else", async () => {
    const { origin, requests } = await serve((request, response) =>
      answer(response, {}, decodeURIComponent(request.url?.slice(1) ?? "")),
    );
    for (const [expected, type] of [
      ["jrd", "application/jrd+json"],
      ["jrd", "application/json; charset=utf-8"],
      ["json", "application/json"],
      ["json", "application/activity+json"],
    ] as const) {
      await fetchDocument(`${origin}/${encodeURIComponent(type)}`, { expect: expected });
      await expect(fetchDocument(`${origin}/text%2Fhtml`, { expect: expected })).rejects.toMatchObject({
        code: "bad_content_type",
      });
    }
    expect(requests.map(({ headers }) => headers.accept)).toContain("application/jrd+json, application/json");
  });

  it.each([
    ["gzip", gzipSync],
    ["deflate", deflateSync],
    ["br", brotliCompressSync],
  ])("may be compressed with %s", async (coding, compress) => {
    const { origin } = await serve((request, response) => {
      expect(request.headers["accept-encoding"]).toContain(coding);
      response.setHeader("content-encoding", coding).setHeader("content-type", "application/activity+json");
      response.end(compress(JSON.stringify({ name: "ñ".repeat(10_000) })));
    });
    expect(await get(origin)).toMatchObject({ json: { name: "ñ".repeat(10_000) } });
  });

  it.each([
    ["cut off", "identity", '{"a":', "invalid_json"],
    ["not UTF-8", "identity", Buffer.from([0x22, 0xff, 0x22]), "invalid_json"],
    ["empty", "identity", "", "invalid_json"],
    ["not the gzip that it says", "gzip", "{}", "invalid_json"],
    ["cut off gzip", "gzip", gzipSync("{}").subarray(0, -4), "invalid_json"],
    ["compressed twice", "gzip, gzip", gzipSync(gzipSync("{}")), "bad_content_type"],
    ["compressed in a way that was not asked for", "zstd", "{}", "bad_content_type"],
  ])("is refused when it is %s", async (_name, coding, body, code) => {
    const { origin } = await serve((_request, response) => {
      response
        .writeHead(200, { "content-type": "application/activity+json", "content-encoding": coding })
        .end(body);
    });
    await expect(get(origin)).rejects.toMatchObject({ code });
  });

  it.each([304, 401, 404, 410, 429, 500])("is not what comes with status %d", async (status) => {
    const { origin } = await serve((_request, response) =>
      response.writeHead(status, { "content-type": "application/activity+json", "retry-after": "120" }).end(),
    );
    const soon = Date.now() + 120_000;
    const failure = await get(origin).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "status", status });
    expect(Math.abs((failure as { retryAfter: Date }).retryAfter.getTime() - soon)).toBeLessThan(10_000);
  });
});
