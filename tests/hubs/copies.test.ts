import { expect, test } from "vitest";
import { updateProfile } from "../../src/domain/actors/commands.ts";
import { directory } from "../../src/domain/actors/queries.ts";
import { copyDue, copyOf, startCopy } from "../../src/domain/peers/copies.ts";
import { editProposal, publishProposal, withdrawProposal } from "../../src/domain/proposals/commands.ts";
import { exchange } from "../../src/domain/proposals/queries.ts";
import type { ProposalInput } from "../../src/domain/proposals/rules.ts";
import { count, settle, startHubs, type TestHub } from "../support/hub.ts";
import { makePeers } from "../support/peers.ts";

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
