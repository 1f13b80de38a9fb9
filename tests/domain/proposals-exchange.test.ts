import { eq, sql } from "drizzle-orm";
import { expect, test } from "vitest";
import type { Id } from "../../src/db/ids.ts";
import { notices } from "../../src/db/schema/notices.ts";
import { posts } from "../../src/db/schema/posts.ts";
import { proposalRevisions, proposals } from "../../src/db/schema/proposals.ts";
import type { Acting, Ctx } from "../../src/domain/context.ts";
import { DomainError } from "../../src/domain/errors.ts";
import { setUpHub } from "../../src/domain/hubs/commands.ts";
import { createOrganization } from "../../src/domain/organizations/commands.ts";
import { deletePost } from "../../src/domain/posts/commands.ts";
import {
  editProposal,
  pauseProposal,
  publishProposal,
  renewProposal,
  withdrawProposal,
} from "../../src/domain/proposals/commands.ts";
import { noticeEndings } from "../../src/domain/proposals/endings.ts";
import { addCategory, retireCategory } from "../../src/domain/proposals/hub-categories.ts";
import { matchesFor } from "../../src/domain/proposals/matches.ts";
import { addPhoto, photosOf, removePhoto } from "../../src/domain/proposals/photos.ts";
import {
  exchange,
  homeOf,
  openProposal,
  type ProposalFilter,
  proposalById,
  proposalList,
} from "../../src/domain/proposals/queries.ts";
import { askQuestion, questionsOf } from "../../src/domain/proposals/questions.ts";
import type { ProposalInput } from "../../src/domain/proposals/rules.ts";
import { foldText, refreshWords, wordsOf } from "../../src/domain/proposals/search.ts";
import { rollbackDatabase } from "../support/database.ts";
import { domainContext } from "../support/domain.ts";
import { jpeg } from "../support/files.ts";

const OFFER: ProposalInput = {
  purpose: "offer",
  name: "Taller de contabilidad",
  content: "Dos horas.",
  category: "training.facilitation",
  unit: "hour",
  available: "10",
  minimum: "2",
  settlement: "credit",
  price: "7,50",
  online: false,
  language: "es",
};
const DAY = 86_400_000;
const START = { before: null, near: 0 };

async function hub(now = () => new Date()) {
  const ctx = domainContext(await rollbackDatabase(), now);
  const admin = await setUpHub(ctx, {
    name: "Hub",
    locale: "es",
    currencyName: "Ayni",
    currencySymbol: "₳",
    admin: { handle: "ana", email: "ana@example.org", password: "correct horse battery staple" },
  });
  const organization = async (handle: string): Promise<Acting> => ({
    accountId: admin.accountId,
    actorId: await createOrganization(ctx, admin.accountId, { handle, name: handle }),
  });
  return { ctx, admin, raices: await organization("raices"), semilla: await organization("semilla") };
}

async function found(ctx: Ctx, filter: ProposalFilter, viewer: Id | null = null): Promise<string[]> {
  return (await exchange(ctx, filter, viewer, START, null)).items.map(({ name }) => name);
}

async function codeOf(work: Promise<unknown>): Promise<string | null> {
  try {
    await work;
    return null;
  } catch (error) {
    if (error instanceof DomainError) return error.code;
    throw error;
  }
}

test("what is folded for a search here is folded alike in the database", async () => {
  const db = await rollbackDatabase();
  const texts = [
    "Ñandú ÁRBOL",
    "Formação",
    "Œuvre élevée",
    "العَرَبِيّةُ",
    "إلى أين؟ آية",
    "مستشفى",
    "Kʼicheʼ",
    "ǅ ﬁ ½",
    "İstanbul",
  ];
  for (const text of texts) {
    const [row] = await db.execute<{ folded: string }>(sql`select fold(${text}) as folded`);
    expect(foldText(text), text).toBe(row?.folded);
  }
  for (const text of [
    "talleres, TALLER; clases clase",
    "formaciones/formación",
    "luces mes es",
    "ورش-عمل",
    "oficinas",
  ]) {
    const [row] = await db.execute<{ words: string[] }>(
      sql`select tsvector_to_array(proposal_search(${text}, '', null, '{}', '{}', 'offer', null, null, 'none', null, true, 'here')) as words`,
    );
    const words = row?.words.filter((word) => !word.includes("="));
    expect([...wordsOf(text)].sort(), text).toEqual(words?.sort());
  }
});

test("proposals are found by words in any form, and by every facet alone and together", async () => {
  const { ctx, raices } = await hub();
  await publishProposal(ctx, raices, OFFER);
  await publishProposal(ctx, raices, {
    ...OFFER,
    ...{ purpose: "request", name: "Intérpretes para un encuentro", category: "translation.interpreting" },
    ...{ settlement: "count", tags: "Árabe, economía solidaria", languages: ["ar", "fr"], country: "TN" },
    ...{ online: true, location: "Túnez" },
  });
  const [taller, need] = ["Taller de contabilidad", "Intérpretes para un encuentro"];
  const cases: [ProposalFilter, string[]][] = [
    [{}, [need, taller]],
    [{ text: "talleres" }, [taller]],
    [{ text: "INTERPRETE encuentros" }, [need]],
    [{ text: "intérprete taller" }, []],
    [{ text: "tunez" }, [need]],
    [{ text: "solidaria" }, [need]],
    [{ text: "'; drop table x; --" }, []],
    [{ text: "c=training" }, []],
    [{ purpose: "offer" }, [taller]],
    [{ category: "training" }, [taller]],
    [{ category: "translation.interpreting" }, [need]],
    [{ category: "training.management" }, []],
    [{ settlement: "count" }, [need]],
    [{ language: "fr" }, [need]],
    [{ language: "es" }, [need, taller]],
    [{ country: "TN" }, [need]],
    [{ online: true }, [need]],
    [{ tag: "arabe" }, [need]],
    [{ tag: "economia_solidaria", country: "TN", language: "ar", text: "encuentro" }, [need]],
    [{ tag: "economia_solidaria", purpose: "offer" }, []],
  ];
  for (const [filter, names] of cases)
    expect(await found(ctx, filter), JSON.stringify(filter)).toEqual(names);
  await refreshWords(ctx);
  const mistyped = await exchange(ctx, { text: "contavilidad" }, null, START, null);
  expect([mistyped.similar, mistyped.items.map(({ name }) => name)]).toEqual([true, [taller]]);
  expect((await exchange(ctx, { text: "qwertz" }, null, START, null)).items).toEqual([]);
});

test("the exchange begins with what is near, page by page, each once, and ends", async () => {
  const { ctx, raices, semilla } = await hub();
  const places = [
    { location: "Lima", country: "PE" },
    { location: "LIMA", country: "PE" },
    { location: "Cusco", country: "PE" },
    { country: "PE" },
    { location: "Quito", country: "EC", online: true },
    { online: true },
    { location: "Quito", country: "EC" },
    {},
  ];
  // The furthest are the newest.
  for (const [n, place] of places.entries())
    for (const half of ["a", "b"])
      await publishProposal(ctx, raices, { ...OFFER, ...place, name: `${n}${half}` });
  await publishProposal(ctx, semilla, { ...OFFER, name: "own", location: "Lima", country: "PE" });
  const home = await homeOf(ctx, semilla.actorId);
  expect(home).toEqual({ location: "Lima", country: "PE" });
  for (const filter of [{}, { text: "contabilidad" }, { category: "training" }] satisfies ProposalFilter[]) {
    const seen: string[] = [];
    for (let cursor: { before: Id | null; near: number } | null = START; cursor !== null; ) {
      const page = await exchange(ctx, filter, null, cursor, home, 3);
      seen.push(...page.items.map(({ name }) => name));
      cursor = page.before === null ? null : { before: page.before, near: page.near };
    }
    const order = seen.map((name) => (name === "own" ? 0 : [0, 0, 1, 1, 2, 2, 3, 3][Number(name[0])]));
    if (filter.text === undefined) expect(seen.length).toBe(17);
    expect(new Set(seen).size).toBe(seen.length);
    expect(order).toEqual([...order].sort());
  }
});

test("what is paused, ended or promised away is not in the exchange; its author still sees it", async () => {
  let now = new Date("2027-01-10T12:00:00Z");
  const { ctx, raices, semilla } = await hub(() => now);
  const id = await publishProposal(ctx, raices, { ...OFFER, ends: "2027-01-20" });
  const state = async () => (await proposalById(ctx, id, null)).state;
  await pauseProposal(ctx, raices, id, true);
  expect([await found(ctx, {}), await state()]).toEqual([[], "paused"]);
  await pauseProposal(ctx, raices, id, false);
  expect([(await found(ctx, {})).length, await state()]).toEqual([1, "open"]);
  await ctx.db.update(proposals).set({ committed: 9 }).where(eq(proposals.id, id));
  expect([await found(ctx, {}), await state()]).toEqual([[], "taken"]);
  expect((await found(ctx, {}, raices.actorId)).length).toBe(1);
  expect((await proposalById(ctx, id, null)).remaining).toBe(1);
  now = new Date("2027-02-10T12:00:00Z");
  expect(await state()).toBe("ended");
  expect((await proposalList(ctx, { actorId: raices.actorId }, semilla.actorId, null)).items).toEqual([]);
  expect((await proposalList(ctx, { actorId: raices.actorId }, raices.actorId, null)).items.length).toBe(1);
  await renewProposal(ctx, raices, id);
  expect(await openProposal(ctx, id, true)).toMatchObject({
    revision: 4,
    ends: new Date("2027-08-10T23:59:59.999Z"),
  });
});

test("each change is a revision, and nobody offers less than was promised", async () => {
  const { ctx, raices, semilla } = await hub();
  const id = await publishProposal(ctx, raices, OFFER);
  await ctx.db.update(proposals).set({ committed: 4 }).where(eq(proposals.id, id));
  const edit = (acting: Acting, change: Partial<ProposalInput>) =>
    codeOf(editProposal(ctx, acting, id, { ...OFFER, ...change }));
  expect(await edit(raices, { available: "3" })).toBe("under_committed");
  expect(await edit(semilla, { available: "8" })).toBe("not_found");
  expect(await edit(raices, { available: "8", unit: "one", purpose: "request", name: "Otro" })).toBe(null);
  expect(await openProposal(ctx, id)).toMatchObject({
    ...{ revision: 2, available: 8, committed: 4, unit: "hour", purpose: "offer" },
  });
  const revisions = await ctx.db.select().from(proposalRevisions).orderBy(proposalRevisions.revision);
  expect(revisions.map(({ terms }) => (JSON.parse(terms) as ProposalInput).available)).toEqual([10, 8]);
  const [companion] = await ctx.db.select().from(posts);
  expect([companion?.content.includes("Otro"), companion?.updated instanceof Date]).toEqual([true, true]);
  await withdrawProposal(ctx, raices, id);
  expect(await edit(raices, {})).toBe("not_found");
  expect(await codeOf(renewProposal(ctx, raices, id))).toBe("not_found");
});

test("one price for everything is taken as a whole", async () => {
  const { ctx, raices } = await hub();
  const id = await publishProposal(ctx, raices, { ...OFFER, unitBased: false });
  expect(await openProposal(ctx, id)).toMatchObject({ unitBased: false, available: 10, minimum: 10 });
});

test("its end is told a week and a day before and when it came, each once, and anew after it was renewed", async () => {
  let now = new Date("2027-01-01T12:00:00Z");
  const { ctx, raices } = await hub(() => now);
  const id = await publishProposal(ctx, raices, { ...OFFER, ends: "2027-01-31" });
  await publishProposal(ctx, raices, { ...OFFER, ends: undefined });
  const told: string[] = [];
  const tick = async (days: number) => {
    now = new Date(Date.UTC(2027, 0, 1, 12) + days * DAY);
    for (let twice = 0; twice < 2; twice++) await noticeEndings(ctx);
    const rows = await ctx.db
      .select({ kind: notices.kind, details: notices.details })
      .from(notices)
      .orderBy(notices.id);
    told.splice(
      0,
      told.length,
      ...rows.map((row) => `${row.kind} ${JSON.parse(row.details).days ?? ""}`.trim()),
    );
    return [...told];
  };
  expect(await tick(20)).toEqual([]);
  expect(await tick(24)).toEqual(["proposal_ends_soon 7"]);
  expect(await tick(29)).toEqual(["proposal_ends_soon 7"]);
  expect((await tick(30)).at(-1)).toBe("proposal_ends_soon 1");
  expect((await tick(31)).at(-1)).toBe("proposal_ended");
  expect((await tick(40)).length).toBe(3);
  await renewProposal(ctx, raices, id);
  expect((await tick(220)).length).toBe(4);
});

test("replies to its post are questions, which its author is told of and answers", async () => {
  const { ctx, raices, semilla, admin } = await hub();
  const id = await publishProposal(ctx, raices, OFFER);
  const ask = (acting: Acting, content: string, question: Id | null = null) =>
    askQuestion(ctx, acting, id, { content, language: "es", question });
  const first = await ask(semilla, "¿Para cuántas personas?");
  expect(await codeOf(ask(admin, "Yo contesto", first))).toBe("not_found");
  await ask(raices, "Para doce.", first);
  await ask(semilla, "Gracias.", first);
  const second = await ask(admin, "¿Y en línea?");
  const shown = await questionsOf(ctx, id, null);
  const texts = shown?.map(({ post, answers }) => [post.content, ...answers.map(({ content }) => content)]);
  expect(texts).toEqual([
    ["<p>¿Para cuántas personas?</p>", "<p>Para doce.</p>", "<p>Gracias.</p>"],
    ["<p>¿Y en línea?</p>"],
  ]);
  const told = await ctx.db
    .select({ actorId: notices.actorId, kind: notices.kind, path: notices.path })
    .from(notices);
  expect(told).toEqual(
    [first, second].map(() => ({
      actorId: raices.actorId,
      kind: "question_asked",
      path: `/proposals/${id}`,
    })),
  );
  await deletePost(ctx, semilla, first);
  expect((await questionsOf(ctx, id, null))?.length).toBe(1);
});

test("what others need is set beside what one offers, with the reason, and never one's own", async () => {
  const { ctx, raices, semilla } = await hub();
  await publishProposal(ctx, raices, { ...OFFER, tags: "agua" });
  await publishProposal(ctx, raices, { ...OFFER, purpose: "request", name: "Propia" });
  const need = (name: string, change: Partial<ProposalInput>) =>
    publishProposal(ctx, semilla, { ...OFFER, purpose: "request", name, ...change });
  await need("Misma rama", { category: "training.management" });
  await need("Misma hoja", {});
  await need("Nada que ver", { category: "care.food" });
  await need("Misma etiqueta", { category: "care.food", tags: "Agua" });
  const { theyNeed, theyOffer } = await matchesFor(ctx, raices.actorId);
  expect(theyNeed.map(({ proposal, reason }) => [proposal.name, reason.category, reason.tag])).toEqual([
    ["Misma hoja", "second", null],
    ["Misma etiqueta", null, "agua"],
    ["Misma rama", "first", null],
  ]);
  expect(theyOffer).toEqual([]);
});

test("a proposal has up to four pictures, which only its author adds and removes", async () => {
  const { ctx, raices, semilla } = await hub();
  const id = await publishProposal(ctx, raices, OFFER);
  const add = async (acting: Acting, alt: string) =>
    codeOf(addPhoto(ctx, acting, id, { field: "photo", name: "a.jpg", bytes: await jpeg(40, 30) }, alt));
  expect(await add(semilla, "x")).toBe("not_found");
  for (const alt of ["a", "b", "c", "d"]) expect(await add(raices, alt)).toBe(null);
  expect(await add(raices, "e")).toBe("too_many");
  const [first] = await photosOf(ctx, id);
  expect(await codeOf(removePhoto(ctx, semilla, id, first?.id ?? 0n))).toBe("not_found");
  await removePhoto(ctx, raices, id, first?.id ?? 0n);
  expect(await add(raices, "f")).toBe(null);
  expect((await photosOf(ctx, id)).map(({ description, open }) => [description, open])).toEqual(
    ["b", "c", "d", "f"].map((alt) => [alt, true]),
  );
  expect((await openProposal(ctx, id)).revision).toBe(7);
});

test("a hub adds categories of its own, and what carries a retired one keeps it", async () => {
  const { ctx, admin, raices } = await hub();
  const labels = { es: "Semillas", pt: "Sementes", en: "Seeds", fr: "Semences", ar: "بذور" };
  const publish = () => codeOf(publishProposal(ctx, raices, { ...OFFER, category: "culture.seeds" }));
  expect(await publish()).toBe("invalid");
  const input = { parent: "culture", key: "seeds", labels };
  await addCategory(ctx, admin, input);
  expect(await codeOf(addCategory(ctx, admin, { ...input, parent: "nothing" }))).toBe("invalid");
  expect(await codeOf(addCategory(ctx, admin, { ...input, key: "music" }))).toBe("invalid");
  const id = await publishProposal(ctx, raices, { ...OFFER, category: "culture.seeds" });
  await retireCategory(ctx, admin, "culture.seeds");
  expect(await publish()).toBe("invalid");
  await editProposal(ctx, raices, id, { ...OFFER, category: "culture.seeds" });
  expect(await proposalById(ctx, id, null)).toMatchObject({
    subcategory: "culture.seeds",
    categoryLabels: labels,
  });
  expect(await found(ctx, { category: "culture.seeds" })).toEqual(["Taller de contabilidad"]);
});
