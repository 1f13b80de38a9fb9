import { expect, test } from "vitest";
import { deletePost, publishPost } from "../../src/domain/posts/commands.ts";
import { publishProposal } from "../../src/domain/proposals/commands.ts";
import { startHub } from "../support/hub.ts";

const ACTIVITY = { accept: "application/activity+json" };
const TEXT = { content: "Taller", language: "es" } as const;

/** All of an answer but what differs from one second to the next. */
async function get(url: string, headers: Record<string, string>) {
  const response = await fetch(url, { headers, redirect: "manual" });
  const fields = [...response.headers].filter(([name]) => name !== "date");
  return { status: response.status, headers: Object.fromEntries(fields), body: await response.text() };
}

test("a document from memory is answered as the routes answered it first, header by header", async () => {
  const hub = await startHub();
  const author = await hub.organization("raices");
  const post = await publishPost(hub.ctx, author, { ...TEXT, visibility: "public" });
  const proposal = await publishProposal(hub.ctx, author, {
    ...TEXT,
    purpose: "offer",
    name: "Taller",
    category: "training",
    unit: "one",
    settlement: "none",
    online: true,
  });
  const resource = encodeURIComponent(`acct:raices@${hub.host}`);
  const addresses: [string, Record<string, string>][] = [
    [author.iri, ACTIVITY],
    [`${author.iri}/featured`, ACTIVITY],
    [`${hub.origin}/posts/${post}`, ACTIVITY],
    [`${hub.origin}/proposals/${proposal}`, ACTIVITY],
    [`${hub.origin}/.well-known/webfinger?resource=${resource}`, {}],
  ];
  for (const [url, headers] of addresses) {
    const first = await get(url, headers);
    expect(first, url).toMatchObject({ status: 200, body: expect.stringContaining(hub.host) });
    expect(await get(url, headers), url).toEqual(first);
    // With a parameter that means nothing it goes the long way again.
    const etag = first.headers.etag ?? "";
    const longWay = `${url}${url.includes("?") ? "&" : "?"}x=1`;
    const unchanged = await get(longWay, { ...headers, "if-none-match": `W/${etag}` });
    expect(unchanged, url).toMatchObject({ status: 304, body: "" });
    expect(await get(url, { ...headers, "if-none-match": `W/${etag}` }), url).toEqual(unchanged);
    expect((await get(url, { ...headers, "if-none-match": '"other"' })).status, url).toBe(200);
  }
});

test("a document in memory does not stand in the way of the page for people, nor outlive its object", async () => {
  const hub = await startHub();
  const author = await hub.organization("raices");
  const post = await publishPost(hub.ctx, author, { ...TEXT, visibility: "public" });
  const url = `${hub.origin}/posts/${post}`;
  for (let time = 0; time < 2; time++) expect((await get(url, ACTIVITY)).status).toBe(200);
  expect((await get(url, { accept: "text/html" })).body).toContain("<html");
  await deletePost(hub.ctx, author, post);
  await expect
    .poll(async () => await get(url, ACTIVITY), { timeout: 20_000 })
    .toMatchObject({ status: 410, body: expect.stringContaining("Tombstone") });
  expect(await get(url, ACTIVITY)).toEqual(await get(`${url}?x=1`, ACTIVITY));
});
