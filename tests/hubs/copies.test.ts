import { sql } from "drizzle-orm";
import { describe, expect, test } from "vitest";
import { storeActivity } from "../../src/domain/activities/commands.ts";
import { updateProfile } from "../../src/domain/actors/commands.ts";
import { directory } from "../../src/domain/actors/queries.ts";
import { requestFollow } from "../../src/domain/follows/commands.ts";
import { type CopyFailureCode, copyDue, copyOf, startCopy } from "../../src/domain/peers/copies.ts";
import { editProposal, publishProposal, withdrawProposal } from "../../src/domain/proposals/commands.ts";
import { exchange } from "../../src/domain/proposals/queries.ts";
import type { ProposalInput } from "../../src/domain/proposals/rules.ts";
import { apiClient } from "../support/api-client.ts";
import { textOf } from "../support/html.ts";
import { count, settle, startHubs, type TestHub } from "../support/hub.ts";
import { makePeers } from "../support/peers.ts";
import { type Remote, startRemote } from "../support/remote-server.ts";

const OFFER: ProposalInput = {
  purpose: "offer",
  name: "Taller de contabilidad",
  content: "Seis sesiones.",
  category: "training",
  tags: "economía solidaria",
  unit: "hour",
  available: "20",
  settlement: "credit",
  price: "3",
  location: "Rosario",
  country: "AR",
  online: false,
  language: "es",
};

const names = async ({ ctx }: TestHub, filter = {}) =>
  (await exchange(ctx, filter, null, { before: null, near: 0 }, null)).items.map(({ name }) => name);

const held = (hub: TestHub) => count(hub, "proposals where not local and deleted is null");

/** Lets the clock say what is due, and waits until it is done. */
async function copy(...hubs: TestHub[]): Promise<void> {
  for (const { ctx } of hubs) await copyDue(ctx);
  await settle(...hubs);
}

test("a new peer's proposals and organizations are here, page by page, and what changes there changes here", async () => {
  const [lac, mena] = (await startHubs(2)) as [TestHub, TestHub];
  const author = await mena.organization("nour");
  const ids: bigint[] = [];
  for (let i = 0; i < 3; i++)
    ids.push(await publishProposal(mena.ctx, author, { ...OFFER, name: `Oferta ${i}` }));
  await mena.database.sql`
    insert into proposals (id, iri, actor_id, local, purpose, name, content, unit, settlement, url, published)
    select id + n, ${`${mena.origin}/proposals/`} || (id + n), actor_id, true, 'offer', 'Copia ' || n, content, unit, 'none', url, published
    from proposals, generate_series(1, 247) as n where id = ${String(ids[0])}`;
  const [menaHere] = await makePeers(lac, mena);
  await copy(lac, mena);

  expect(await copyOf(lac.ctx, menaHere)).toMatchObject({
    ...{ running: false, copied: 251, total: 251, skipped: 0, failure: null },
    completed: expect.any(Date),
  });
  expect(await held(lac)).toBe(250);
  expect((await directory(lac.ctx, null)).items.map(({ acct }) => acct)).toEqual([`nour@${mena.host}`]);

  await editProposal(mena.ctx, author, ids[1]!, { ...OFFER, name: "Oferta nueva" });
  await withdrawProposal(mena.ctx, author, ids[2]!);
  await publishProposal(mena.ctx, author, { ...OFFER, name: "Otra" });
  await updateProfile(mena.ctx, author, { name: "Nour renovada" });
  const second = await mena.organization("safa");
  await publishProposal(mena.ctx, second, { ...OFFER, name: "De Safa" });
  await settle(lac, mena);
  const seen = await names(lac);
  expect(seen).toEqual(expect.arrayContaining(["Oferta nueva", "Otra", "De Safa"]));
  expect(seen).not.toContain("Oferta 2");
  expect((await directory(lac.ctx, null)).items.map(({ name }) => name).sort()).toEqual([
    "Nour renovada",
    "Organization safa",
  ]);
});

test("what was lost on the way is found when the totals are compared", async () => {
  const [lac, mena] = (await startHubs(2)) as [TestHub, TestHub];
  const author = await mena.organization("nour");
  const gone = await publishProposal(mena.ctx, author, { ...OFFER, name: "Se va" });
  const changed = await publishProposal(mena.ctx, author, { ...OFFER, name: "Cambia" });
  const [menaHere] = await makePeers(lac, mena);
  await copy(lac, mena);
  expect((await names(lac)).sort()).toEqual(["Cambia", "Se va"]);

  // Deliveries that nobody gets.
  await mena.database.sql`update peers set state = 'frozen'`;
  await withdrawProposal(mena.ctx, author, gone);
  await publishProposal(mena.ctx, author, { ...OFFER, name: "Llega" });
  await editProposal(mena.ctx, author, changed, { ...OFFER, name: "Cambió" });
  await settle(lac, mena);
  expect((await names(lac)).sort()).toEqual(["Cambia", "Se va"]);

  lac.clock.advance(24 * 3_600_000);
  await copy(lac, mena);
  expect((await names(lac)).sort()).toEqual(["Cambió", "Llega"]);

  // With nothing lost nothing is read again.
  const before = await copyOf(lac.ctx, menaHere);
  lac.clock.advance(24 * 3_600_000);
  await copy(lac, mena);
  const after = await copyOf(lac.ctx, menaHere);
  expect(after?.began).toEqual(before?.began);
  expect(after!.compared!.getTime()).toBeGreaterThan(before!.compared!.getTime());

  await startCopy(lac.ctx, menaHere, { forced: true });
  await settle(lac, mena);
  expect((await copyOf(lac.ctx, menaHere))!.began!.getTime()).toBeGreaterThan(before!.began!.getTime());
});

test("an organization that is gone takes its proposals along; one delivery reaches a peer that follows, too", async () => {
  const [lac, mena] = (await startHubs(2)) as [TestHub, TestHub];
  const [stays, goes] = [await mena.organization("nour"), await mena.organization("safa")];
  await publishProposal(mena.ctx, stays, { ...OFFER, name: "Se queda" });
  await publishProposal(mena.ctx, goes, { ...OFFER, name: "Se va" });
  // Told before there is a peer: a delivery to it would have it ask for the author's document, and the deletion below is not announced.
  await settle(mena);
  const [menaHere] = await makePeers(lac, mena);
  await copy(lac, mena);
  expect((await names(lac)).sort()).toEqual(["Se queda", "Se va"]);

  await mena.database.sql`update actors set deleted = now() where id = ${String(goes.actorId)}`;
  await mena.database.sql`update proposals set deleted = now() where actor_id = ${String(goes.actorId)}`;
  await startCopy(lac.ctx, menaHere, { forced: true });
  await settle(lac, mena);
  expect(await names(lac)).toEqual(["Se queda"]);
  expect((await directory(lac.ctx, null)).items.map(({ acct }) => acct)).toEqual([`nour@${mena.host}`]);
  expect(await count(lac, `actors where iri = '${goes.iri}' and deleted is not null`)).toBe(1);

  const reader = await lac.organization("raices");
  const followedId = await lac.ctx.remote.resolveActor(`@nour@${mena.host}`);
  await requestFollow(lac.ctx, { followerId: reader.actorId, followedId });
  await settle(lac, mena);
  const rollback = new Error("rolled back");
  const told = mena.ctx.db.transaction(async (db) => {
    await storeActivity(
      { ...mena.ctx, db },
      {
        ...{ id: 1n, actorId: stays.actorId, type: "Create", object: "x", audience: "public", body: "{}" },
        ...{ recipients: { followersOf: stays.actorId, peers: true }, retracts: false },
      },
    );
    const rows = await db.execute<{ key: string }>(sql`select key from jobs where queue = 'deliveries'`);
    expect(Array.from(rows, ({ key }) => key)).toEqual([`${lac.origin}/inbox`]);
    throw rollback;
  });
  await expect(told).rejects.toBe(rollback);
  await publishProposal(mena.ctx, stays, { ...OFFER, name: "Una vez" });
  await settle(lac, mena);
  expect((await names(lac)).sort()).toEqual(["Se queda", "Una vez"]);
});

test("a peer that is down is in the list all the same, with its prices in both currencies and how old the copy is", async () => {
  const [lac, mena] = (await startHubs(2)) as [TestHub, TestHub];
  await mena.database.sql`update hubs set currency_rate_n = 20, currency_symbol = 'TM'`;
  await publishProposal(mena.ctx, await mena.organization("nour"), OFFER);
  const raices = await lac.organization("raices");
  await publishProposal(lac.ctx, raices, { ...OFFER, name: "De aquí", price: "1" });
  const [menaHere] = await makePeers(lac, mena);
  await copy(lac, mena);
  const list = await exchange(lac.ctx, { hub: menaHere }, null, { before: null, near: 0 }, null);
  // Three of theirs at 20 an hour: nine minutes, which are 0.15 of ours at one an hour.
  expect(list.items).toMatchObject([{ price: 300n, here: { amount: 15n }, hub: { stale: null } }]);
  expect(await names(lac, { hub: "here" })).toEqual(["De aquí"]);
  expect(await names(lac, { hub: menaHere, text: "contabilidad" })).toEqual([OFFER.name]);
  expect(await names(lac, { hub: "here", text: "contabilidad" })).toEqual([]);

  await mena.stop();
  lac.clock.advance(26 * 3_600_000);
  await copy(lac);
  expect(await copyOf(lac.ctx, menaHere)).toMatchObject({ failure: "unreachable", failures: 1 });
  const page = async (path: string) => {
    const response = await fetch(`${lac.origin}${path}`, {
      headers: { accept: "text/html", cookie: "locale=en" },
    });
    expect(response.status).toBe(200);
    return textOf(await response.text());
  };
  const exchangePage = await page("/exchange?purpose=offer");
  expect(exchangePage).toContain(OFFER.name);
  expect(exchangePage).toContain("De aquí");
  expect(exchangePage).toMatch(/no responde en este momento|does not answer at the moment/);
  expect(await page(`/exchange?hub=${encodeURIComponent(mena.host)}`)).not.toContain("De aquí");
  // The same for programs, by the same words.
  const client = await apiClient(lac, raices);
  const searched = async (query: string) => {
    const { status, body } = await client.get(`/proposals${query}`);
    return status === 200 ? body.map(({ name }: { name: string }) => name).sort() : [body.code, body.field];
  };
  const host = encodeURIComponent(mena.host);
  expect(await searched("")).toEqual(["De aquí", OFFER.name]);
  expect(await searched(`?hub=${host}`)).toEqual([OFFER.name]);
  expect(await searched("?hub=here")).toEqual(["De aquí"]);
  expect(await searched(`?hub=${host}&nearby=true`)).toEqual([OFFER.name]);
  expect(await searched(`?hub=${host}&q=contabilidad&country=AR`)).toEqual([OFFER.name]);
  expect(await searched("?hub=here&q=contabilidad")).toEqual([]);
  expect(await searched("?hub=nowhere.example")).toEqual(["invalid", "hub"]);
  expect(await page("/directory")).toContain("Organization nour");
  expect(await page("/directory?hub=here")).not.toContain("Organization nour");
});

describe("what a hostile peer serves ends in a failure that is told, and leaves what is here as it was", () => {
  const AS2 = "https://www.w3.org/ns/activitystreams";

  async function hostile(): Promise<{ lac: TestHub; remote: Remote; peerId: bigint }> {
    const remote = await startRemote();
    const [lac, mena] = (await startHubs(2, { allow: [remote.host] })) as [TestHub, TestHub];
    const author = await lac.organization("raices");
    await publishProposal(lac.ctx, author, { ...OFFER, name: "De aquí" });
    const [peerId] = await makePeers(lac, mena);
    await lac.database.sql`update peers set origin = ${remote.origin} where id = ${String(peerId)}`;
    for (const list of ["organizations", "proposals"]) {
      const id = `${remote.origin}/${list}`;
      const first = `${id}?page=1`;
      serve(remote, `/${list}`, { "@context": AS2, id, type: "OrderedCollection", totalItems: 7, first });
      serve(remote, `/${list}?page=1`, page(remote, list, []));
    }
    return { lac, remote, peerId };
  }

  function serve(remote: Remote, path: string, body: unknown): void {
    remote.documents.set(path, { body });
  }

  function page(remote: Remote, list: string, orderedItems: unknown, more: object = {}): object {
    const partOf = `${remote.origin}/${list}`;
    return {
      "@context": AS2,
      id: `${partOf}?page=1`,
      type: "OrderedCollectionPage",
      partOf,
      orderedItems,
      ...more,
    };
  }

  const actor = (iri: string, inbox: string) => ({
    ...{ id: iri, type: "Organization", preferredUsername: "x", name: "Intrusa", inbox },
  });

  type Case = [CopyFailureCode, (remote: Remote) => unknown];
  const CASES: Case[] = [
    ["circle", (r: Remote) => page(r, "organizations", [], { next: `${r.origin}/organizations?page=1` })],
    [
      "foreign",
      (r: Remote) => page(r, "organizations", [], { next: "https://other.example/organizations?page=2" }),
    ],
    ["invalid", (r: Remote) => page(r, "organizations", [], { next: { href: "?" } })],
    ["invalid", (r: Remote) => page(r, "organizations", "none")],
    ["invalid", () => ({ type: "Note" })],
    ["invalid", () => ["a"]],
    ["invalid", () => "{"],
    ["too_large", () => Buffer.alloc(10_000_000, 32)],
    ["too_large", (r: Remote) => page(r, "organizations", Array(600).fill({}))],
    [
      "foreign",
      (r: Remote) =>
        page(r, "organizations", [actor("https://other.example/a", "https://other.example/a/inbox")], {
          next: `${r.origin}/organizations?page=2`,
        }),
    ],
  ];

  test("lists that do not end, lead elsewhere, are too large, or are none", async () => {
    const { lac, remote, peerId } = await hostile();
    for (const [index, [code, served]] of CASES.entries()) {
      serve(remote, "/organizations?page=1", served(remote));
      await startCopy(lac.ctx, peerId, { forced: true });
      await settle(lac);
      const copied = await copyOf(lac.ctx, peerId);
      expect(copied, `${index}`).toMatchObject({ failure: code, failures: 1, running: true });
      // Not at once again.
      const asked = remote.requests.length;
      await copy(lac);
      expect(remote.requests.length).toBe(asked);
    }
    expect(await names(lac)).toEqual(["De aquí"]);
    expect(await count(lac, "actors where name = 'Intrusa'")).toBe(0);
  });

  test("entries that are not the peer's own are left out and counted, and nothing of ours is overwritten", async () => {
    const { lac, remote, peerId } = await hostile();
    const { iri } = await lac.organization("propia");
    const own = `${remote.origin}/actors/own`;
    serve(
      remote,
      "/organizations?page=1",
      page(remote, "organizations", [
        actor(own, `${own}/inbox`),
        actor(own, `${own}/inbox`),
        actor(iri, `${iri}/inbox`),
        actor("https://other.example/a", "https://other.example/a/inbox"),
        ...[null, 7, "x", [], {}, { id: own, type: "Note" }],
      ]),
    );
    const proposal = (id: string, attributedTo: string) => ({
      ...{
        id,
        type: "Proposal",
        purpose: "offer",
        attributedTo,
        name: `Oferta <b>${id}`,
        to: [`${AS2}#Public`],
      },
      ...{ content: "<script>alert(1)</script><p>Hola</p>", publishes: { id: `${id}#p`, type: "Intent" } },
    });
    const context = [
      AS2,
      {
        vf: "https://w3id.org/valueflows/ont/vf#",
        Proposal: "vf:Proposal",
        Intent: "vf:Intent",
        purpose: "vf:purpose",
        publishes: "vf:publishes",
      },
    ];
    serve(remote, "/proposals?page=1", {
      ...page(remote, "proposals", [
        proposal(`${remote.origin}/proposals/1`, own),
        proposal(`${remote.origin}/proposals/2`, iri),
        proposal("https://other.example/proposals/3", own),
        proposal(`${lac.origin}/proposals/4`, iri),
        proposal(`${remote.origin}/proposals/5`, `${remote.origin}/actors/nobody`),
      ]),
      "@context": context,
    });
    await copy(lac);
    const copied = await copyOf(lac.ctx, peerId);
    expect(copied).toMatchObject({ failure: null, running: false, copied: 2, skipped: 9 + 4 });
    expect((await names(lac)).sort()).toEqual(["De aquí", `Oferta ${remote.origin}/proposals/1`]);
    expect(await count(lac, "proposals where content like '%script%' or name like '%<%'")).toBe(0);
    expect(
      await count(lac, `actors where iri = '${iri}' and host is null and name = 'Organization propia'`),
    ).toBe(1);
    expect(await count(lac, "actors where iri like 'https://other.example%'")).toBe(0);
  });
});
