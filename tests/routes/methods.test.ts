import { expect, test } from "vitest";
import { startHub } from "../support/hub.ts";

test("HEAD is answered as GET is, without the body", async () => {
  const hub = await startHub();
  const organization = await hub.organization("nour");
  const answer = async (method: string, path: string, accept: string) => {
    const { status, headers, text } = await ask(hub.origin + path, {
      method,
      headers: { accept, "accept-encoding": "identity" },
    });
    // What is of the connection and not of the answer.
    for (const name of ["date", "connection", "keep-alive", "transfer-encoding", "content-length"])
      delete headers[name];
    // What has no body is not compressed.
    headers.vary = (headers.vary ?? "").replace(/(, )?Accept-Encoding/, "");
    return { status, headers, text };
  };
  const activity = "application/activity+json";
  for (const [path, accept] of [
    ["/", "text/html"],
    ["/@nour", "text/html"],
    ["/nothing", "text/html"],
    ["/proposals/1/withdraw", "text/html"],
    ["/peers", "text/html"],
    ["/organizations", activity],
    ["/proposals?page=1", activity],
    ["/ledger/totals", "*/*"],
    ["/healthz", "*/*"],
    [`/.well-known/webfinger?resource=acct:nour@${hub.host}`, "*/*"],
    [new URL(organization.iri).pathname, activity],
    [`${new URL(organization.iri).pathname}/outbox`, activity],
    ["/actors/1", activity],
  ] as const) {
    const head = await answer("HEAD", path, accept);
    expect([path, head]).toEqual([path, { ...(await answer("GET", path, accept)), text: "" }]);
  }
});

test("HEAD leads to the setup too", async () => {
  const hub = await startHub({ setUp: false });
  const { status, headers } = await ask(`${hub.origin}/directory`, { method: "HEAD" });
  expect([status, headers.location]).toEqual([302, "/setup"]);
});

test("a form from another site is refused in the language that the browser asks for", async () => {
  const hub = await startHub();
  const headers = { origin: "https://elsewhere.example", "accept-language": "ar" };
  const { status, text } = await ask(`${hub.origin}/logout`, { method: "POST", headers });
  expect(status).toBe(403);
  expect(text).toContain('lang="ar"');
});

async function ask(url: string, init: RequestInit) {
  const response = await fetch(url, { redirect: "manual", ...init });
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    text: await response.text(),
  };
}
