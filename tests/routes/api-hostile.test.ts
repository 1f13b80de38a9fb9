import { beforeAll, describe, expect, test } from "vitest";
import { publishProposal } from "../../src/domain/proposals/commands.ts";
import { type ApiClient, described } from "../support/api-client.ts";
import { type ApiScene, apiScene, OFFER } from "../support/api-scene.ts";
import { count } from "../support/hub.ts";

let scene: ApiScene;
/** Values of `{id}` for each path. */
let ids: Record<string, string>;

beforeAll(async () => {
  scene = await apiScene();
  const { hub, provider, provides, agreement, amount } = scene;
  const proposal = String(await publishProposal(hub.ctx, provider, OFFER));
  const offered = await agreement("offered");
  const voucher = (await provides.post("/vouchers", { amount: amount("2"), purpose: "x" })).body.id;
  const delivered = await agreement("delivered");
  const { transfer } = (await scene.receives.post(`/agreements/${delivered}/confirm`)).body;
  ids = {
    proposals: proposal,
    agreements: offered,
    vouchers: voucher,
    transfers: transfer,
    delivered: await agreement("delivered"),
    settled: delivered,
  };
});

/** A path with ids of things that are there, in the state that the operation is for. */
function address(path: string): string {
  const noun = path.split("/")[1] === "ledger" ? "transfers" : (path.split("/")[1] ?? "");
  const step = path.split("/").at(-1) ?? "";
  const state =
    step === "confirm" || step === "dispute" ? "delivered" : step === "reviews" ? "settled" : noun;
  return path.replace("{id}", ids[state] ?? "1").replace("{handle}", "puentes");
}

/** A client that may send as many writes as it likes: the clock goes on. */
function tireless({ hub }: ApiScene, client: ApiClient) {
  let sent = 0;
  return (method: string, path: string, body: string) => {
    if (++sent % 50 === 0) hub.clock.advance(61_000);
    return client.send(method, path, { "content-type": "application/json" }, body);
  };
}

const deep = (levels: number, leaf: unknown): unknown => {
  let value = leaf;
  for (let n = 0; n < levels; n++) value = n % 2 === 0 ? [value] : { a: value };
  return value;
};

const HOSTILE: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  "",
  " ",
  "\u0000",
  "x\u0000y",
  "\ud800",
  "\u202eabc\u202c",
  "١٢٣",
  "７５０",
  "' or 1=1; --",
  "\\",
  "$(id)",
  "<script>alert(1)</script>",
  "💥".repeat(2_000),
  "x".repeat(60_000),
  [],
  [1],
  ["a", "b"],
  {},
  { value: {} },
  { length: 5 },
  { toString: "x" },
  deep(5_000, 1),
];

/** Of texts a few: where none belongs, one is as wrong as another. */
const WRONG = [
  ...HOSTILE.filter((value) => typeof value !== "string"),
  ...["", "1", "\u0000", "\ud800", "x".repeat(60_000)],
];

/** Many requests, on machines that may be busy. */
const LONG = 180_000;

const operations = async () => described(scene.hub).operations.filter(({ body }) => body !== null);

test("whatever is in a field, no write has a fault, and what does not belong there is refused", {
  timeout: LONG,
}, async () => {
  const { receives, provides } = scene;
  const [asReceiver, asProvider] = [tireless(scene, receives), tireless(scene, provides)];
  let tried = 0;
  for (const { method, path, example } of await operations()) {
    const fields = Object.entries(example as Record<string, unknown>);
    // Withdrawn, decided or spent by the first that is taken, there would be nothing left to try.
    const send = /confirm|dispute|counter|offer/.test(path) ? asReceiver : asProvider;
    for (const [name, good] of fields) {
      for (const value of WRONG) {
        // What is right for the field is for other tests.
        if (typeof value === typeof good && !(typeof value === "object" && value !== null)) continue;
        if (value === null && /available|ends|minimum|price/.test(name)) continue;
        if (Array.isArray(good) && Array.isArray(value) && value.every((item) => typeof item === "string"))
          continue;
        const { status, text } = await send(
          method,
          address(path),
          JSON.stringify({ ...(example as object), [name]: value }),
        );
        const what = `${method} ${path} ${name}=${JSON.stringify(value).slice(0, 60)} → ${status} ${text.slice(0, 200)}`;
        expect(status, what).toBe(422);
        expect(JSON.parse(text).field, what).toMatch(new RegExp(`^${name}(\\.|$)`));
        tried++;
      }
    }
    for (const whole of [...WRONG.filter((value) => value === null || typeof value !== "object"), [], [{}]]) {
      const { status } = await send(method, address(path), JSON.stringify(whole));
      expect([path, whole, status]).toEqual([path, whole, 422]);
    }
    for (const extra of [
      "role",
      "is_admin",
      "balance",
      "actorId",
      "__proto__",
      "constructor",
      "x\u0000",
      "a".repeat(5_000),
    ]) {
      const body = `{${JSON.stringify(extra)}:{"x":1},${JSON.stringify(example).slice(1)}`.replace(",}", "}");
      const { status, text } = await send(method, address(path), body);
      expect([path, extra.slice(0, 20), status]).toEqual([path, extra.slice(0, 20), 422]);
      expect(JSON.parse(text).field).toBe(extra.slice(0, 200));
    }
  }
  expect(tried).toBeGreaterThan(700);
});

test("texts of any kind are taken or refused, never a fault", { timeout: LONG }, async () => {
  const { provides, hub } = scene;
  const send = tireless(scene, provides);
  const texts = HOSTILE.filter((value) => typeof value === "string");
  for (const { method, path, example } of await operations()) {
    for (const [name, good] of Object.entries(example as Record<string, unknown>)) {
      if (typeof good !== "string") continue;
      for (const text of texts) {
        const { status } = await send(
          method,
          address(path),
          JSON.stringify({ ...(example as object), [name]: text }),
        );
        expect([path, name, text.slice(0, 20), status < 500]).toEqual([path, name, text.slice(0, 20), true]);
      }
    }
  }
  expect(await count(hub, "proposals where name like '%' || chr(1) || '%'")).toBe(0);
});

test("parameters of any kind are taken or refused, never a fault", { timeout: LONG }, async () => {
  const { provides, hub } = scene;
  const values = [
    "",
    "-1",
    "0",
    "1e9",
    "NaN",
    "[]",
    "'%20or%201=1",
    "%00",
    "%ff",
    "%F0%9F%92%A9",
    "x".repeat(3_000),
    "true",
    "101",
  ];
  let asked = 0;
  // What the tests before have asked does not count.
  hub.clock.advance(61_000);
  for (const { method, path, query } of described(hub).operations) {
    if (method !== "GET") continue;
    for (const { name } of query) {
      for (const value of [...values, `1&${name}=2`]) {
        if (++asked % 250 === 0) hub.clock.advance(61_000);
        const { status, text } = await provides.get(`${address(path)}?${name}=${value}`);
        expect([path, name, value.slice(0, 20), status === 200 || status === 422]).toEqual([
          path,
          name,
          value.slice(0, 20),
          true,
        ]);
        const fitting = name === "q" || name === "tag" || /^(true|0|101)$/.test(value);
        if (!fitting || name === "limit")
          expect([path, name, value.slice(0, 20), status]).toEqual([path, name, value.slice(0, 20), 422]);
        if (status === 422) expect(JSON.parse(text).field).toBe(name);
      }
    }
    const unknown = await provides.get(`${address(path)}?sort=id`);
    expect([path, unknown.status, unknown.body.field]).toEqual([path, 422, "sort"]);
  }
});

describe("an amount that is none", () => {
  const AMOUNTS: readonly unknown[] = [
    ...[
      "-1",
      "0",
      "00",
      "01",
      "0.5",
      ".5",
      "1.",
      "1e3",
      "1E3",
      "0x10",
      "+1",
      " 1",
      "1 ",
      "1_000",
      "1,000",
      "",
      "NaN",
    ],
    ...[
      "Infinity",
      "9007199254740993",
      "9223372036854775808",
      "-9223372036854775809",
      "７５０",
      "٧٥٠",
      "७५०",
      "1\u0000",
    ],
    ...[
      "9".repeat(1_000),
      -1,
      0,
      0.5,
      1,
      750,
      1e3,
      2 ** 53 + 1,
      2 ** 63,
      null,
      [],
      ["750"],
      {},
      { value: "1" },
      true,
    ],
  ];

  test("is refused at its field, and leaves nothing behind", { timeout: LONG }, async () => {
    const { receives, provides, hub, currency, amount } = scene;
    const rows = () =>
      Promise.all(
        [
          "transfers",
          "entries",
          "agreements",
          "agreement_steps",
          "vouchers",
          "vouches",
          "resolutions",
          "proposals",
        ].map((table) => count(hub, table)),
      );
    const before = await rows();
    const [asReceiver, asProvider] = [tireless(scene, receives), tireless(scene, provides)];
    hub.clock.advance(61_000);
    let tried = 0;
    for (const { method, path, example } of await operations()) {
      const send = /confirm/.test(path) ? asReceiver : asProvider;
      const fields = Object.keys(example as object).filter((name) =>
        ["amount", "price", "release"].includes(name),
      );
      if (path === "/agreements" || path.endsWith("/counter")) fields.push("amount");
      for (const field of fields) {
        const inside = AMOUNTS.map((value) => ({ value, currency }));
        const foreign = [
          "",
          "EUR",
          `${currency}/`,
          `${currency}?x`,
          "https://other.example/currency",
          null,
          1,
          [],
        ];
        const bodies = [
          ...[...AMOUNTS.filter((value) => value !== null || field !== "price"), [amount("1")]].map(
            (value) => [value, field] as const,
          ),
          ...inside.map((value) => [value, `${field}.value`] as const),
          ...foreign.map((other) => [{ value: "1", currency: other }, `${field}.currency`] as const),
          [{ ...amount("1"), more: 1 }, `${field}.more`] as const,
          [{ value: "1" }, `${field}.currency`] as const,
        ];
        for (const [value, wrong] of bodies) {
          // Nothing is a way to end a dispute.
          if (field === "release" && JSON.stringify(value) === JSON.stringify(amount("0"))) continue;
          const { status, text } = await send(
            method,
            address(path),
            JSON.stringify({ ...(example as object), [field]: value }),
          );
          const what = `${path} ${field}=${JSON.stringify(value).slice(0, 80)} → ${text.slice(0, 200)}`;
          expect(status, what).toBe(422);
          expect(JSON.parse(text).field, what).toMatch(new RegExp(`^${wrong.replaceAll(".", "\\.")}`));
          tried++;
        }
      }
    }
    expect(tried).toBeGreaterThan(700);
    expect(await rows()).toEqual(before);
  });

  test("more than there is, than was agreed, or of one's own is refused by the command", async () => {
    const { receives, provides, hub, offer, answer, amount, agreement } = scene;
    hub.clock.advance(61_000);
    const delivered = await agreement("delivered");
    const more = await receives.post(`/agreements/${delivered}/confirm`, {
      amount: amount("201"),
      note: "x",
    });
    expect([more.status, more.body.code, more.body.field]).toEqual([422, "over_amount", "amount"]);
    const set = await receives.post("/agreements", answer(await offer(), { amount: amount("1") }));
    expect([set.status, set.body.field]).toEqual([422, "amount"]);
    const self = await provides.post("/agreements", answer(await offer()));
    expect([self.status, self.body.code]).toEqual([422, "own_proposal"]);
    const dear = await receives.post("/agreements", answer(await offer({ price: "100000" })));
    expect([dear.status, dear.body.code]).toEqual([409, "insufficient_credit"]);
    const largest = await provides.post("/ledger/donations", { amount: amount("999999999999999") });
    expect([largest.status, largest.body.field]).toEqual([422, "amount"]);
    const part = await receives.post(`/agreements/${delivered}/confirm`, { amount: amount("1") });
    expect([part.status, part.body.code, part.body.field]).toEqual([422, "reason_required", "note"]);
  });
});
