import { connect } from "node:net";
import { request as undiciRequest } from "undici";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { dial } from "../../src/federation/egress/connector.ts";
import {
  EgressError,
  fetchDocument,
  installEgress,
  post,
  withEgressBudget,
} from "../../src/federation/egress.ts";
import { answer, canary, getWith, type Loopback, serve, until } from "./loopback.ts";

installEgress({ allow: [], userAgent: "Ayni/0.0.0 (+https://hub.example)" });

/** The three ways out. Each fails with an EgressError. */
const WAYS: [name: string, go: (url: string) => Promise<unknown>][] = [
  ["fetchDocument", (url) => fetchDocument(url, { expect: "activity" })],
  ["post", (url) => post(url, { headers: {}, body: "{}" })],
  ["a bare fetch", (url) => fetch(url).catch(rethrowCause)],
];

describe("a forbidden address", () => {
  let trap: Loopback;
  beforeEach(async () => {
    trap = await canary();
  });
  afterEach(async () => {
    expect(trap.connections).toBe(0);
    const socket = connect(trap.port, "127.0.0.3");
    await until(() => trap.connections === 1);
    socket.destroy();
  });

  describe.each(WAYS)("by %s", (_name, go) => {
    it.each([
      "127.0.0.3",
      "0x7f000003",
      "2130706435",
      "127.3",
      "0177.0.0.3",
      "017700000003",
      "127.0.0.3.",
      "①②⑦.⓪.⓪.③",
      "[::ffff:127.0.0.3]",
      "[::ffff:7f00:3]",
      "[::127.0.0.3]",
      "[::]",
      "0.0.0.0",
      "[::1]",
      "169.254.169.254",
      "100.64.0.1",
      "[64:ff9b::127.0.0.3]",
      "[64:ff9b::7f00:3]",
      "[2002:7f00:3::]",
      "[2001:0:7f00:3::]",
      "[fe80::1]",
      "[fd00::1]",
    ])("is not connected to when written as %s (CVE-2024-39687, CVE-2026-50131)", async (host) => {
      for (const scheme of ["https", "http"]) {
        await expect(go(`${scheme}://${host}:${trap.port}/`)).rejects.toMatchObject({
          code: "forbidden_address",
        });
      }
    });

    it("is not connected to at an allowed address's other ports", async () => {
      const allowed = await serve((_request, response) => answer(response));
      await go(allowed.origin);
      const closed = allowed.origin.replace(
        `:${allowed.port}`,
        `:${trap.port + 1 === allowed.port ? 5432 : trap.port + 1}`,
      );
      await expect(go(closed)).rejects.toMatchObject({ code: "forbidden_address" });
    });

    it("is any public one by plain http", async () => {
      await expect(go("http://9.9.9.9/")).rejects.toMatchObject({ code: "forbidden_address" });
    });

    it("is not reached with a user, a line break or a trailing dot in the URL", async () => {
      const { port, requests } = await serve((_request, response) => answer(response));
      for (const url of [
        `http://127.0.0.1:${port}@127.0.0.3:${trap.port}/`,
        `http://user:password@127.0.0.1:${port}/`,
        `http://127.0.0.1:${port}/%0d%0aX-Injected:%201`,
        "https://hub.example./",
      ]) {
        await expect(go(url)).rejects.toBeInstanceOf(Error);
      }
      expect(requests).toEqual([]);
    });
  });

  it.each(WAYS.filter(([name]) => name !== "post"))(
    "is not reached through a redirect by %s (CVE-2026-77632)",
    async (_name, go) => {
      let location = "";
      const { origin } = await serve((_request, response) => response.writeHead(302, { location }).end());
      for (location of [
        `http://127.0.0.3:${trap.port}/`,
        `//0x7f000003:${trap.port}/`,
        `https://[::ffff:127.0.0.3]:${trap.port}/`,
      ]) {
        await expect(go(origin)).rejects.toMatchObject({ code: "forbidden_address" });
      }
    },
  );

  it("is not reached through a name", async () => {
    const get = getWith(async () => ["127.0.0.3", "::ffff:127.0.0.3", "10.0.0.1"]);
    await expect(get(`https://rebind.example:${trap.port}`)).rejects.toMatchObject({
      code: "forbidden_address",
    });
  });

  it("is not reached through a second answer of DNS (GHSA-r48c)", async () => {
    const { port } = await serve((_request, response) =>
      response.writeHead(200, { connection: "close" }).end(),
    );
    const answers = ["127.0.0.1", "127.0.0.3"];
    const get = getWith(async () => [answers.shift() ?? ""], [`127.0.0.1:${port}`, `127.0.0.1:${trap.port}`]);
    expect(await get(`http://rebind.example:${port}`)).toBe(200);
    await expect(get(`http://rebind.example:${port}`)).rejects.toMatchObject({ code: "forbidden_address" });
    expect(answers).toEqual([]);
  });

  it("is left out when a name has permitted ones beside it", async () => {
    const { port } = await serve((_request, response) => response.end());
    const get = getWith(async () => ["127.0.0.3", "127.0.0.1"], [`127.0.0.1:${port}`]);
    expect(await get(`http://both.example:${port}`)).toBe(200);
  });

  it("is what a name without dots leads to, unless the address is allowed", async () => {
    const get = getWith(async () => ["9.9.9.9"]);
    await expect(get("https://intranet")).rejects.toMatchObject({ code: "forbidden_address" });
    const { port } = await serve((_request, response) => response.end());
    expect(await getWith(async () => ["127.0.0.1"], [`127.0.0.1:${port}`])(`http://neighbour:${port}`)).toBe(
      200,
    );
  });
});

it("looks at the other end of a connection before it writes, whatever was checked before", async () => {
  const { port, open } = await serve((_request, response) => response.end());
  await expect(dial("hub.example", ["127.0.0.1"], port, () => false)).rejects.toMatchObject({
    code: "forbidden_address",
  });
  await until(() => open.size === 0);
});

it("refuses to upgrade a connection, over which no limit would hold", async () => {
  const { port, requests } = await serve((_request, response) => response.end());
  const failed = Promise.withResolvers<Event>();
  new WebSocket(`ws://127.0.0.1:${port}/`).addEventListener("error", failed.resolve);
  await failed.promise;
  expect(requests).toEqual([]);
});

describe("redirects", () => {
  it.each(WAYS.filter(([name]) => name !== "post"))(
    "end after three hops by %s (GHSA-97w4)",
    async (_name, go) => {
      const loop = await serve((request, response) =>
        response.writeHead(302, { location: `/${Number(request.url?.slice(1)) + 1}` }).end(),
      );
      await expect(go(`${loop.origin}/0`)).rejects.toMatchObject({ code: "redirect" });
      expect(loop.requests.map(({ url }) => url)).toEqual(["/0", "/1", "/2", "/3"]);
    },
  );

  it("are followed three times, and the last address is the document's", async () => {
    const { origin } = await serve((request, response) => {
      const hop = Number(request.url?.slice(1));
      if (hop === 3) answer(response, { id: "x" });
      else response.writeHead([301, 307, 308][hop] ?? 500, { location: `/${hop + 1}#fragment` }).end();
    });
    const document = await fetchDocument(`${origin}/0#main-key`, { expect: "activity" });
    expect(document).toMatchObject({ status: 200, json: { id: "x" } });
    expect(document.url.href).toBe(`${origin}/3`);
  });

  it.each(["", "http://user@127.0.0.1/", "javascript:alert(1)", "http://a b/", undefined])(
    "that lead nowhere are refused: %j",
    async (location) => {
      const { origin, requests } = await serve((_request, response) =>
        response.writeHead(302, location === undefined ? {} : { location }).end(),
      );
      await expect(fetchDocument(origin, { expect: "json" })).rejects.toMatchObject({ code: "redirect" });
      expect(requests.length).toBeLessThanOrEqual(4);
    },
  );

  it("never change the origin of an actor or key (GHSA-8863)", async () => {
    const victim = await serve((_request, response) => answer(response));
    const attacker = await serve((request, response) => {
      if (request.url === "/actor") response.writeHead(302, { location: "/moved" }).end();
      else response.writeHead(302, { location: `${victim.origin}/actor` }).end();
    });
    const refused = fetchDocument(`${attacker.origin}/actor`, { expect: "activity", sameOrigin: true });
    await expect(refused).rejects.toMatchObject({ code: "redirect" });
    expect(attacker.requests).toHaveLength(2);
    expect(victim.requests).toEqual([]);
  });

  it("are signed anew on the first origin, and never again once they have left it", async () => {
    let home = "";
    const away = await serve((_request, response) =>
      response.writeHead(302, { location: `${home}/3` }).end(),
    );
    const first = await serve((request, response) => {
      if (request.url === "/1") response.writeHead(302, { location: "/2" }).end();
      else if (request.url === "/2") response.writeHead(302, { location: `${away.origin}/` }).end();
      else answer(response);
    });
    home = first.origin;
    const signed: string[] = [];
    await fetchDocument(`${home}/1`, {
      expect: "activity",
      sign: ({ method, url, headers }) => {
        signed.push(url.pathname);
        expect(headers).toHaveProperty("accept");
        return { signature: `${method} ${url.pathname}`, authorization: "Signature", cookie: "a=b" };
      },
    });
    expect(signed).toEqual(["/1", "/2"]);
    expect(first.requests.map(({ headers }) => headers.signature)).toEqual(["GET /1", "GET /2", undefined]);
    expect(away.requests).toHaveLength(1);
    for (const { headers } of [away.requests[0]!, first.requests[2]!]) {
      expect(headers).not.toHaveProperty("authorization");
      expect(headers).not.toHaveProperty("cookie");
    }
  });

  it("take a bare fetch's credentials along only until they leave its origin", async () => {
    let home = "";
    const away = await serve((_request, response) =>
      response.writeHead(307, { location: `${home}/3` }).end(),
    );
    const first = await serve((request, response) => {
      if (request.url === "/1") response.writeHead(307, { location: "/2" }).end();
      else if (request.url === "/2") response.writeHead(307, { location: away.origin }).end();
      else response.end();
    });
    home = first.origin;
    const secrets = { authorization: "a", cookie: "b", signature: "c", "signature-input": "d" };
    await fetch(`${home}/1`, { headers: secrets });
    expect(first.requests.map(({ url }) => url)).toEqual(["/1", "/2", "/3"]);
    expect(first.requests[0]?.headers).toMatchObject(secrets);
    expect(first.requests[1]?.headers).toMatchObject(secrets);
    for (const { headers } of [away.requests[0]!, first.requests[2]!]) {
      for (const name of Object.keys(secrets)) expect(headers).not.toHaveProperty(name);
    }
  });
});

describe("a budget", () => {
  it("of 15 holds over parallel fetches, redirect hops, posts and bare fetches (GHSA-97w4)", async () => {
    const { origin, requests } = await serve((request, response) => {
      if (request.url === "/hop") response.writeHead(302, { location: "/" }).end();
      else answer(response);
    });
    const outcomes = await withEgressBudget(15, () =>
      Promise.allSettled(
        Array.from({ length: 8 }, () => WAYS.map(([_name, go]) => go(`${origin}/hop`))).flat(),
      ),
    );
    expect(requests).toHaveLength(15);
    const failures = outcomes.flatMap((outcome) =>
      outcome.status === "rejected" ? [outcome.reason.code] : [],
    );
    expect(failures.length).toBeGreaterThan(0);
    expect(new Set(failures)).toEqual(new Set(["budget"]));
  });

  it("holds over a document that sends from one alternate link to the next", async () => {
    const { origin, requests } = await serve((_request, response) => response.end());
    const pingPong = async (n: number): Promise<void> => {
      await fetch(`${origin}/${n}`).catch(rethrowCause);
      return pingPong(n + 1);
    };
    await expect(withEgressBudget(15, () => pingPong(0))).rejects.toMatchObject({ code: "budget" });
    expect(requests).toHaveLength(15);
  });

  it("inside another never widens it, and spends of both", async () => {
    const { origin, requests } = await serve((_request, response) => answer(response));
    const get = () => fetchDocument(origin, { expect: "activity" });
    await withEgressBudget(3, async () => {
      await withEgressBudget(1, async () => {
        await get();
        await expect(get()).rejects.toMatchObject({ code: "budget" });
      });
      await withEgressBudget(100, async () => {
        await get();
        await get();
        await expect(get()).rejects.toMatchObject({ code: "budget" });
      });
    });
    expect(requests).toHaveLength(3);
  });

  it("is of one request or job, not of its neighbours", async () => {
    const { origin, requests } = await serve((_request, response) => answer(response));
    const get = () => fetchDocument(origin, { expect: "activity" });
    await Promise.all([
      withEgressBudget(0, async () => {}),
      withEgressBudget(1, get),
      withEgressBudget(1, get),
      get(),
    ]);
    expect(requests).toHaveLength(3);
  });
});

describe("a User-Agent", () => {
  it.each([...WAYS, ["undici", (url: string) => undiciRequest(url)] as const])(
    "is sent by %s (GoToSocial answers 418 without)",
    async (_name, go) => {
      const { origin, requests } = await serve((_request, response) => answer(response));
      await go(origin);
      expect(requests[0]?.headers["user-agent"]).toBe("Ayni/0.0.0 (+https://hub.example)");
    },
  );

  it("is the request's own where it brings one, and Host is always the URL's", async () => {
    const { origin, port, requests } = await serve((_request, response) => answer(response));
    const headers = { "User-Agent": "Other", Host: "evil.example" };
    await fetch(origin, { headers });
    await post(origin, { headers, body: "" });
    expect(requests).toHaveLength(2);
    for (const request of requests) {
      expect(request.headers).toMatchObject({ "user-agent": "Other", host: `127.0.0.1:${port}` });
    }
  });
});

/** A bare fetch wraps what went wrong in a TypeError. */
function rethrowCause(error: unknown): never {
  if (error instanceof TypeError && error.cause instanceof EgressError) throw error.cause;
  throw error;
}
