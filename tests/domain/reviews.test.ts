import { and, eq, isNull, sql } from "drizzle-orm";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import type { Id } from "../../src/db/ids.ts";
import { agreements, reviews } from "../../src/db/schema/agreements.ts";
import { exchangePolicies } from "../../src/db/schema/ledger.ts";
import { notices } from "../../src/db/schema/notices.ts";
import { posts } from "../../src/db/schema/posts.ts";
import type { Acting, Ctx } from "../../src/domain/context.ts";
import { DomainError, type ErrorCode } from "../../src/domain/errors.ts";
import { htmlToPlain } from "../../src/domain/html.ts";
import { currentPolicy } from "../../src/domain/ledger/policy.ts";
import { deletePost } from "../../src/domain/posts/commands.ts";
import { actorPosts } from "../../src/domain/posts/queries.ts";
import { deleteReview, reviewAgreement } from "../../src/domain/reviews/commands.ts";
import { facts, reputation, reviewById, reviewing, reviewsOf } from "../../src/domain/reviews/queries.ts";
import { revealDue } from "../../src/domain/reviews/reveal.ts";
import {
  HALF_LIFE,
  means,
  type Opinion,
  rating,
  reviewWindow,
  type Scores,
  sealedText,
  stars,
  weight,
} from "../../src/domain/reviews/rules.ts";
import { settledAgreement } from "../support/agreements.ts";
import { rollbackDatabase, testDatabase } from "../support/database.ts";
import { domainContext, remoteActor } from "../support/domain.ts";
import { type QuickHub, quickHub } from "../support/quick-hub.ts";

const DAY = 86_400_000;
const START = new Date("2026-06-15T12:00:00Z");
const GOOD: Scores = { keptWord: 5, quality: 4, communication: 4 };

const codeOf = (work: Promise<unknown>): Promise<ErrorCode | null> =>
  work.then(
    () => null,
    (error: unknown) => {
      if (error instanceof DomainError) return error.code;
      throw error;
    },
  );

const scores = (score: number): Scores => ({ keptWord: score, quality: score, communication: score });

describe("the rules", () => {
  test.each([
    [0, "sealed"],
    [13.99, "sealed"],
    [14, "late"],
    [89.99, "late"],
    [90, "over"],
  ] as const)("%s days after the settlement a review is %s", (days, window) => {
    expect(reviewWindow(START, 14, new Date(START.getTime() + days * DAY))).toBe(window);
  });

  test("where reviews stay sealed for longer than late ones are taken, there are no late ones", () => {
    expect(reviewWindow(START, 365, new Date(START.getTime() + 364 * DAY))).toBe("sealed");
    expect(reviewWindow(START, 365, new Date(START.getTime() + 365 * DAY))).toBe("over");
  });

  test.each([
    [{ keptWord: 5, quality: 5, communication: 5 }, "★★★★★ 5/5"],
    [{ keptWord: 5, quality: 4, communication: 4 }, "★★★★☆ 4/5"],
    [{ keptWord: 5, quality: 5, communication: 4 }, "★★★★★ 5/5"],
    [{ keptWord: 1, quality: 1, communication: 1 }, "★☆☆☆☆ 1/5"],
    [{ keptWord: 1, quality: 1, communication: 2 }, "★☆☆☆☆ 1/5"],
  ])("%o reads %s", (given, text) => {
    expect(stars(rating(given))).toBe(text);
  });

  test("what a digest is made of does not depend on the order of names", () => {
    const all = {
      ...GOOD,
      agreement: "a",
      author: "b",
      review: "r",
      salt: "s",
      content: "\u20ac\n",
      language: null,
    };
    const turned = Object.fromEntries(Object.entries(all).reverse()) as typeof all;
    expect(sealedText(turned)).toBe(sealedText(all));
    expect(sealedText(all)).toBe(
      '{"agreement":"a","author":"b","communication":4,"content":"€\\n","keptWord":5,"language":null,"quality":4,"review":"r","salt":"s"}',
    );
  });

  const opinion = (authorId: bigint, score: number, days = 0, onlyPartner = false): Opinion => ({
    ...{ authorId, onlyPartner, created: new Date(START.getTime() - days * DAY) },
    ...scores(score),
  });

  test("two counterparties have no means, three have", () => {
    expect(means([opinion(1n, 5), opinion(2n, 5), opinion(2n, 5), opinion(1n, 5)], START)).toBeNull();
    expect(means([opinion(1n, 5), opinion(2n, 5), opinion(3n, 2)], START)).toEqual(scores(4));
  });

  test("of one counterparty the newest three count, however many it wrote", () => {
    const many = Array.from({ length: 50 }, (_, day) => opinion(1n, day < 3 ? 2 : 5, day));
    const found = means([...many, opinion(2n, 2), opinion(3n, 2)], START);
    expect(found?.quality).toBeCloseTo(2, 10);
  });

  test("a review counts half after its half-life, and half when its author has no other partner", () => {
    expect(weight(opinion(1n, 5), START)).toBe(1);
    expect(weight(opinion(1n, 5, HALF_LIFE), START)).toBe(0.5);
    expect(weight(opinion(1n, 5, 2 * HALF_LIFE, true), START)).toBe(0.125);
    expect(weight(opinion(1n, 5, -1), START)).toBe(1);
    const found = means([opinion(1n, 5, 0, true), opinion(2n, 2), opinion(3n, 2)], START);
    expect(found?.keptWord).toBeCloseTo((5 * 0.5 + 2 + 2) / 2.5, 10);
  });

  test("means lie between the lowest and the highest score", () => {
    const one = fc.record({
      authorId: fc.bigInt({ min: 1n, max: 6n }),
      created: fc.integer({ min: 0, max: 20_000 }).map((days) => new Date(START.getTime() - days * DAY)),
      keptWord: fc.integer({ min: 1, max: 5 }),
      quality: fc.integer({ min: 1, max: 5 }),
      communication: fc.integer({ min: 1, max: 5 }),
      onlyPartner: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 30 }), (opinions) => {
        const found = means(opinions, START);
        expect(found === null).toBe(new Set(opinions.map(({ authorId }) => authorId)).size < 3);
        for (const name of ["keptWord", "quality", "communication"] as const) {
          if (found === null) continue;
          const given = opinions.map((opinion) => opinion[name]);
          expect(found[name]).toBeGreaterThanOrEqual(Math.min(...given) - 1e-9);
          expect(found[name]).toBeLessThanOrEqual(Math.max(...given) + 1e-9);
        }
      }),
    );
  });
});

describe("reviews of an exchange", () => {
  let ctx: Ctx;
  let now: Date;
  let ana: Acting;
  let provider: Acting;
  let receiver: Acting;
  let organization: QuickHub["organization"];
  const days = (count: number) => {
    now = new Date(now.getTime() + count * DAY);
  };

  beforeEach(async () => {
    now = START;
    ({ ctx, ana, provider, receiver, organization } = await hub(
      domainContext(await rollbackDatabase(), () => now),
    ));
  });

  const settled = (change: Partial<Parameters<typeof settledAgreement>[1]> = {}) =>
    settledAgreement(ctx, {
      provider: provider.actorId,
      receiver: receiver.actorId,
      settledAt: now,
      ...change,
    });
  const say = (who: Acting, agreement: Id, content: string | undefined = undefined, given = GOOD) =>
    reviewAgreement(ctx, who, agreement, { ...given, content, language: "es" });
  const toldTo = async (accountId: Id) =>
    (await ctx.db.select({ kind: notices.kind }).from(notices).where(eq(notices.accountId, accountId))).map(
      ({ kind }) => kind,
    );

  test("nobody reads the first one before the second is in; then both are posts of who wrote them", async () => {
    const agreement = await settled();
    const id = await say(receiver, agreement, "Llegaron a tiempo.");
    expect(await reviewsOf(ctx, provider.actorId, null)).toEqual({ items: [], before: null });
    expect(await reputation(ctx, provider.actorId)).toMatchObject({ reviews: 0, means: null });
    for (const who of [provider, receiver]) {
      const seen = await reviewing(ctx, who.actorId, agreement);
      const status = who === receiver ? seen.mine : seen.theirs;
      expect(status).toMatchObject({ state: "sealed", rating: null, content: null, language: null });
    }
    expect(await codeOf(reviewById(ctx, id, provider.actorId))).toBe("not_found");
    expect(await codeOf(reviewById(ctx, id, null))).toBe("not_found");

    await say(provider, agreement, "Muy claros.\n\nhttps://example.org", scores(5));
    const [about] = (await reviewsOf(ctx, provider.actorId, null)).items;
    expect(about).toMatchObject({
      id,
      rating: 4,
      content: "Llegaron a tiempo.",
      role: "provider",
      late: false,
    });
    expect(about?.author.id).toBe(receiver.actorId);
    const [post] = (await actorPosts(ctx, receiver.actorId, null, null)).items;
    expect(post?.id).toBe(about?.postId);
    expect(post?.visibility).toBe("public");
    expect(post?.language).toBe("es");
    expect(htmlToPlain(post?.content ?? "")).toBe(
      "★★★★☆ 4/5 — Llegaron a tiempo.\n\nReseña sobre Taller Río tras un intercambio en Red de pruebas\nhttps://hub.example/@rio",
    );
    expect((await actorPosts(ctx, provider.actorId, null, null)).items).toHaveLength(1);
  });

  test("the other party is told of it without its content, and both when it is open", async () => {
    const agreement = await settled();
    await say(receiver, agreement, "secreto");
    expect(await toldTo(provider.accountId)).toEqual(["review_received"]);
    await say(provider, agreement);
    expect((await toldTo(provider.accountId)).sort()).toEqual(["review_received", "reviews_revealed"]);
    expect(await toldTo(receiver.accountId)).toEqual(["reviews_revealed"]);
    expect(JSON.stringify((await ctx.db.select().from(notices)).map((row) => row.details))).not.toContain(
      "secreto",
    );
  });

  test("a review without a text is no post, and counts", async () => {
    const agreement = await settled();
    await say(receiver, agreement, "  ");
    await say(provider, agreement);
    expect((await actorPosts(ctx, receiver.actorId, null, null)).items).toEqual([]);
    expect((await reviewsOf(ctx, provider.actorId, null)).items).toEqual([]);
    expect(await reputation(ctx, provider.actorId)).toMatchObject({ reviews: 1, counterparties: 1 });
  });

  test("the clock opens what waited for 14 days, once", async () => {
    const agreement = await settled();
    await say(receiver, agreement, "uno");
    days(13.9);
    await revealDue(ctx);
    expect((await reviewsOf(ctx, provider.actorId, null)).items).toHaveLength(0);
    days(0.1);
    await revealDue(ctx);
    await revealDue(ctx);
    expect((await reviewsOf(ctx, provider.actorId, null)).items).toHaveLength(1);
    expect((await actorPosts(ctx, receiver.actorId, null, null)).items).toHaveLength(1);
    expect((await toldTo(provider.accountId)).filter((kind) => kind === "reviews_revealed")).toHaveLength(1);
  });

  test("the hub's policy says how long they are sealed", async () => {
    const { revision: _, created: __, ...policy } = await currentPolicy(ctx);
    await ctx.db.insert(exchangePolicies).values({ ...policy, reviewDays: 3, created: now });
    const agreement = await settled();
    await say(receiver, agreement, "uno");
    days(3);
    await revealDue(ctx);
    expect((await reviewsOf(ctx, provider.actorId, null)).items).toHaveLength(1);
  });

  test("a late one is marked, and read at once together with what the clock has not opened yet", async () => {
    const agreement = await settled();
    await say(receiver, agreement, "a tiempo");
    days(20);
    await say(provider, agreement, "tarde");
    const [first] = (await reviewsOf(ctx, provider.actorId, null)).items;
    const [second] = (await reviewsOf(ctx, receiver.actorId, null)).items;
    expect([first?.late, second?.late]).toEqual([false, true]);
  });

  test("after 90 days there is nothing to add", async () => {
    const agreement = await settled();
    days(90);
    expect(await codeOf(say(provider, agreement))).toBe("review_over");
    expect((await reviewing(ctx, provider.actorId, agreement)).window).toBe("over");
  });

  test("only parties, only once, only after the end, and only with whole scores from 1 to 5", async () => {
    const agreement = await settled();
    expect(await codeOf(say(ana, agreement))).toBe("not_found");
    expect(await codeOf(say({ ...receiver, actorId: ana.actorId }, agreement))).toBe("not_found");
    expect(await codeOf(say(receiver, 1n))).toBe("not_found");
    expect(await codeOf(reviewing(ctx, ana.actorId, agreement))).toBe("not_found");
    for (const wrong of [0, 6, 2.5, Number.NaN])
      expect(await codeOf(say(receiver, agreement, "x", { ...GOOD, quality: wrong }))).toBe("invalid");
    expect(await codeOf(say(receiver, agreement, "x".repeat(2001)))).toBe("too_long");
    await say(receiver, agreement);
    expect(await codeOf(say(receiver, agreement))).toBe("already_reviewed");
    await say(provider, agreement);
    expect(await codeOf(say(provider, agreement))).toBe("already_reviewed");
  });

  test.each([
    [{ state: "settled", settlement: "none" }, null],
    [{ state: "settled", settlement: "count" }, null],
    [{ state: "settled", settlement: "external" }, null],
    [{ state: "settled", settlement: "credit" }, null],
    [{ state: "resolved", settlement: "credit", settledAmount: 50n }, null],
    [{ state: "resolved", settlement: "credit", settledAmount: 0n }, "not_reviewable"],
    [{ state: "resolved", settlement: "credit", settledAmount: null }, "not_reviewable"],
    [{ state: "resolved", settlement: "none" }, "not_reviewable"],
    ...(["offered", "accepted", "funded", "delivered", "confirmed", "disputed"] as const).map(
      (state) => [{ state }, "not_reviewable"] as const,
    ),
    ...(["rejected", "withdrawn", "expired", "cancelled"] as const).map(
      (state) => [{ state }, "not_reviewable"] as const,
    ),
  ] as const)("%o: %s", async (change, code) => {
    const agreement = await settled(change);
    expect(await codeOf(say(receiver, agreement))).toBe(code);
    const { window } = await reviewing(ctx, receiver.actorId, agreement);
    expect(window).toBe(code === null ? "sealed" : "not_yet");
  });

  test("a party elsewhere is reviewed too: its time over, the review is a post", async () => {
    const nour = await remoteActor(ctx, "nour");
    const agreement = await settled({ receiver: nour });
    await say(provider, agreement, "Excelente");
    days(14);
    await revealDue(ctx);
    const [post] = (await actorPosts(ctx, provider.actorId, null, null)).items;
    expect(htmlToPlain(post?.content ?? "")).toContain("Reseña sobre nour");
  });

  test("a post in the language of the review, or in English where we have no words for it", async () => {
    for (const [language, line] of [
      ["ar", "تقييم \u2068Taller Río\u2069 بعد تبادل في \u2068Red de pruebas\u2069"],
      ["qu", "Review of Taller Río after an exchange on Red de pruebas"],
    ] as const) {
      const agreement = await settled();
      await reviewAgreement(ctx, receiver, agreement, { ...GOOD, content: "x", language });
      await say(provider, agreement);
      const [post] = (await actorPosts(ctx, receiver.actorId, null, null)).items;
      expect(post?.language).toBe(language);
      expect(htmlToPlain(post?.content ?? "")).toContain(line);
    }
  });

  describe("taken back", () => {
    test("its text and its post are gone, its scores no longer count, its row and digest stay", async () => {
      const agreement = await settled();
      const id = await say(receiver, agreement, "me arrepiento");
      await say(provider, agreement);
      const [before] = await ctx.db.select().from(reviews).where(eq(reviews.id, id));
      expect(await codeOf(deleteReview(ctx, provider, id))).toBe("not_found");
      await deleteReview(ctx, receiver, id);
      expect(await codeOf(deleteReview(ctx, receiver, id))).toBe("not_found");
      const [after] = await ctx.db.select().from(reviews).where(eq(reviews.id, id));
      expect(after).toMatchObject({ content: null, language: null, digest: before?.digest });
      expect(after?.deleted).not.toBeNull();
      expect((await actorPosts(ctx, receiver.actorId, null, null)).items).toEqual([]);
      expect((await reviewsOf(ctx, provider.actorId, null)).items).toEqual([]);
      expect((await reputation(ctx, provider.actorId)).reviews).toBe(0);
      expect(await codeOf(say(receiver, agreement))).toBe("already_reviewed");
      expect(await codeOf(reviewById(ctx, id, null))).toBe("gone");
    });

    test("by its post: the review goes with it", async () => {
      const agreement = await settled();
      const id = await say(receiver, agreement, "me arrepiento");
      await say(provider, agreement);
      const { postId } = await reviewById(ctx, id, null);
      await deletePost(ctx, receiver, postId ?? 0n);
      expect((await reviewsOf(ctx, provider.actorId, null)).items).toEqual([]);
      expect((await reputation(ctx, provider.actorId)).reviews).toBe(0);
    });

    test("while sealed: it is never opened, and the other one no longer waits for it", async () => {
      const agreement = await settled();
      const id = await say(receiver, agreement, "nunca");
      await deleteReview(ctx, receiver, id);
      await say(provider, agreement, "abierta");
      expect((await reviewsOf(ctx, receiver.actorId, null)).items).toHaveLength(1);
      days(30);
      await revealDue(ctx);
      expect((await reviewsOf(ctx, provider.actorId, null)).items).toEqual([]);
      expect((await reviewing(ctx, provider.actorId, agreement)).theirs?.state).toBe("deleted");
      const [row] = await ctx.db.select().from(reviews).where(eq(reviews.id, id));
      expect(row?.revealed).toBeNull();
    });
  });

  test("in whatever order things happen: one per party, nothing read before it is open, none without an end", async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("review"), party: fc.nat({ max: 2 }), text: fc.boolean() }),
      fc.record({ kind: fc.constant("delete"), party: fc.nat({ max: 2 }), post: fc.boolean() }),
      fc.record({ kind: fc.constant("pass"), days: fc.constantFrom(0.5, 6, 8, 40) }),
      fc.record({ kind: fc.constant("clock") }),
    );
    type Step = { kind: string; party?: number; text?: boolean; post?: boolean; days?: number };
    const states = fc.constantFrom(
      ...(["settled", "settled", "settled", "resolved", "delivered", "cancelled"] as const),
    );
    let serial = 0;
    await fc.assert(
      fc.asyncProperty(states, fc.array(step, { maxLength: 12 }), async (state, steps: Step[]) => {
        const settledAt = now;
        const agreement = await settled({ state });
        const parties = [provider, receiver, ana];
        const mine: { id: Id; secret: string | null; deleted: boolean }[] = [];
        let opened = false;
        for (const { kind, party = 0, text, post, days: passed } of steps) {
          const who = parties[party] ?? ana;
          const known = mine[party];
          const late = now.getTime() >= settledAt.getTime() + 14 * DAY;
          if (kind === "pass") days(passed ?? 0);
          if (kind === "clock") {
            await revealDue(ctx);
            opened ||= late;
          }
          if (kind === "review") {
            const secret = text ? `secreto-${++serial}-fin` : null;
            const work = say(who, agreement, secret ?? undefined);
            const code = await codeOf(work);
            const over = now.getTime() >= settledAt.getTime() + 90 * DAY;
            const allowed = party < 2 && state === "settled" && !over && known === undefined;
            expect(code === null, `${state} ${code}`).toBe(allowed);
            if (allowed) {
              opened ||= late || mine[1 - party] !== undefined;
              mine[party] = { id: await work, secret, deleted: false };
            }
          }
          if (kind === "delete" && known !== undefined && !known.deleted) {
            const [row] = await ctx.db.select().from(reviews).where(eq(reviews.id, known.id));
            if (post && row?.postId != null) await deletePost(ctx, who, row.postId);
            else await deleteReview(ctx, who, known.id);
            known.deleted = true;
          }
          const rows = await ctx.db.select().from(reviews).where(eq(reviews.agreementId, agreement));
          expect(rows.length).toBe(mine.filter(Boolean).length);
          expect(new Set(rows.map(({ authorId }) => authorId)).size).toBe(rows.length);
          if (state !== "settled") expect(rows).toEqual([]);
          const readable = await everythingReadable(ctx, [provider.actorId, receiver.actorId], agreement);
          for (const { secret, deleted } of mine.filter(Boolean)) {
            if (secret === null) continue;
            expect(readable.includes(secret), `${secret} ${opened} ${deleted}`).toBe(opened && !deleted);
          }
          for (const { revealed, deleted } of rows)
            if (deleted === null) expect(revealed !== null).toBe(opened);
        }
      }),
      { numRuns: 40 },
    );
  }, 120_000);

  test("means are shown from three counterparties on, and say nothing of sealed reviews", async () => {
    const others = [await organization("o1"), await organization("o2"), await organization("o3")];
    for (const [index, other] of others.entries()) {
      const agreement = await settled({ receiver: other.actorId });
      await say(other, agreement, undefined, scores(index + 3));
      expect((await reputation(ctx, provider.actorId)).reviews).toBe(index);
      await say(provider, agreement);
      const { means, reviews, counterparties } = await reputation(ctx, provider.actorId);
      expect([reviews, counterparties]).toEqual([index + 1, index + 1]);
      expect(means === null).toBe(index < 2);
    }
    // Nobody of them has exchanged with anybody else: all count half, so all the same.
    expect((await reputation(ctx, provider.actorId)).means?.quality).toBeCloseTo(4, 10);
    // The one with the best opinion has: it counts twice as much as the others now.
    const [first, , best] = others.map(({ actorId }) => actorId);
    await settled({ provider: best ?? 0n, receiver: first ?? 0n, state: "cancelled" });
    expect((await reputation(ctx, provider.actorId)).means?.quality).toBeCloseTo(4, 10);
    await settled({ provider: best ?? 0n, receiver: receiver.actorId });
    expect((await reputation(ctx, provider.actorId)).means?.quality).toBeCloseTo((1.5 + 2 + 5) / 2, 10);
  });

  test("the list of reviews goes on where it left off", async () => {
    for (let count = 0; count < 5; count++) {
      const agreement = await settled();
      await say(receiver, agreement, `n${count}`);
      await say(provider, agreement);
    }
    const first = await reviewsOf(ctx, provider.actorId, null, 3);
    const second = await reviewsOf(ctx, provider.actorId, first.before, 3);
    expect([...first.items, ...second.items].map(({ content }) => content)).toEqual([
      ...["n4", "n3", "n2", "n1", "n0"],
    ]);
    expect(second.before).toBeNull();
  });

  test("facts come from the log", async () => {
    const hour = 3_600_000;
    const other = (await organization("other")).actorId;
    expect(await facts(ctx, provider.actorId)).toEqual({
      ...{ completed: 0, counterparties: 0, dated: 0, onTime: 0, disputed: 0, answers: null },
      ...{ given: 0, received: 0 },
    });
    const created = new Date(now.getTime() - DAY);
    const at = (hours: number) => new Date(created.getTime() + hours * hour);
    // On time, answered after 1 hour, given.
    await settled({ due: at(10), delivered: at(9), answered: at(1) });
    // Late, answered after 5 hours, credits.
    await settled({ settlement: "credit", due: at(10), delivered: at(11), answered: at(5) });
    // Its day passed before it was called off: late. Answered after 2 hours.
    await settled({ state: "cancelled", due: at(10), answered: at(2), settledAt: new Date(at(20)), created });
    // Called off before its day: neither.
    await settled({ state: "cancelled", due: at(30), created });
    // Still open and its day is to come: neither.
    await settled({ state: "funded", due: new Date(now.getTime() + DAY) });
    // Received, with somebody else, who also answered: not our time.
    await settled({ provider: other, receiver: provider.actorId, settlement: "count", answered: at(20) });
    await settled({ receiver: other, settlement: "credit", state: "resolved", disputedBy: "receiver" });
    await settled({ state: "disputed", disputedBy: "provider" });
    expect(await facts(ctx, provider.actorId)).toEqual({
      ...{ completed: 4, counterparties: 2, dated: 3, onTime: 1, disputed: 2, answers: 2 * hour },
      ...{ given: 1, received: 1 },
    });
  });
});

describe("at the same time", () => {
  async function parallel() {
    const { db } = await testDatabase();
    return hub(domainContext(db, () => START));
  }

  test("the same party twice: one of them counts", async () => {
    const { ctx, provider, receiver } = await parallel();
    const settledAt = START;
    const agreement = await settledAgreement(ctx, {
      ...{ provider: provider.actorId, receiver: receiver.actorId, settledAt },
    });
    const codes = await Promise.all(
      Array.from({ length: 5 }, (_, n) =>
        codeOf(reviewAgreement(ctx, receiver, agreement, { ...GOOD, content: `n${n}`, language: "es" })),
      ),
    );
    expect(codes.filter((code) => code === null)).toHaveLength(1);
    expect(codes.filter((code) => code === "already_reviewed")).toHaveLength(4);
    expect(await ctx.db.select().from(reviews)).toHaveLength(1);
  });

  test("both parties, and the clock: each is opened once", async () => {
    const { ctx, provider, receiver } = await parallel();
    for (let round = 0; round < 8; round++) {
      // In odd rounds the time is just over: the clock opens them as well.
      const settledAt = new Date(START.getTime() - (round % 2) * 14 * DAY);
      const agreement = await settledAgreement(ctx, {
        ...{ provider: provider.actorId, receiver: receiver.actorId, settledAt },
      });
      const input = { ...GOOD, content: "texto", language: "es" };
      await Promise.all([
        reviewAgreement(ctx, receiver, agreement, input),
        revealDue(ctx),
        reviewAgreement(ctx, provider, agreement, input),
        revealDue(ctx),
      ]);
      await revealDue(ctx);
      const rows = await ctx.db.select().from(reviews).where(eq(reviews.agreementId, agreement));
      expect(rows.map(({ revealed }) => revealed !== null)).toEqual([true, true]);
      expect(new Set(rows.map(({ postId }) => postId)).size).toBe(2);
    }
    const written = await ctx.db
      .select({ id: posts.id })
      .from(posts)
      .where(and(isNull(posts.deleted), sql`content like '%texto%'`));
    expect(written).toHaveLength(16);
  });

  test("taken back while the other party's opens it: it is not to be read, or it is deleted", async () => {
    const { ctx, provider, receiver } = await parallel();
    for (let round = 0; round < 8; round++) {
      const agreement = await settledAgreement(ctx, {
        ...{ provider: provider.actorId, receiver: receiver.actorId, settledAt: START },
      });
      const input = { ...GOOD, content: `ronda ${round}`, language: "es" };
      const id = await reviewAgreement(ctx, receiver, agreement, input);
      await Promise.all([
        deleteReview(ctx, receiver, id),
        reviewAgreement(ctx, provider, agreement, { ...GOOD, language: "es" }),
      ]);
      expect((await reviewsOf(ctx, provider.actorId, null)).items).toEqual([]);
    }
    expect((await actorPosts(ctx, receiver.actorId, null, null)).items).toEqual([]);
  });
});

test("the database itself takes no second review of a party", async () => {
  const { ctx, provider, receiver } = await hub(domainContext(await rollbackDatabase(), () => START));
  const agreement = await settledAgreement(ctx, {
    ...{ provider: provider.actorId, receiver: receiver.actorId, settledAt: START },
  });
  await reviewAgreement(ctx, receiver, agreement, { ...GOOD, language: "es" });
  const [row] = await ctx.db.select().from(reviews);
  const again = ctx.db.transaction((tx) =>
    tx.insert(reviews).values({ ...row!, id: 1n, iri: "https://hub.example/reviews/1" }),
  );
  await expect(again).rejects.toMatchObject({ cause: { constraint_name: "reviews_party" } });
  expect(await ctx.db.select().from(agreements)).toHaveLength(1);
});

/** A hub with two organizations, each with an account of its own, and an administrator who is no party. */
async function hub(ctx: Ctx) {
  const { account, organization } = await quickHub(ctx);
  const ana = await account("ana", "admin");
  const provider = await organization("rio", "Taller Río");
  const receiver = await organization("semilla", "Red Semilla");
  return { ctx, ana, provider, receiver, organization };
}

/** All that anybody could be shown of an agreement's reviews: every query, and every table that is read by others. */
async function everythingReadable(ctx: Ctx, actorIds: Id[], agreement: Id): Promise<string> {
  const shown: unknown[] = [];
  for (const actorId of actorIds) {
    shown.push(await reviewsOf(ctx, actorId, null, 100), await reviewing(ctx, actorId, agreement));
    shown.push(await actorPosts(ctx, actorId, null, null, 100));
  }
  shown.push(await ctx.db.select().from(posts), await ctx.db.select().from(notices));
  shown.push([...(await ctx.db.execute(sql`select payload from jobs`))]);
  return JSON.stringify(shown, (_, value) => (typeof value === "bigint" ? value.toString() : value));
}
