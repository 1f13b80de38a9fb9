import { eq, inArray, sql } from "drizzle-orm";
import type { Id } from "../db/ids.ts";
import { resolutions } from "../db/schema/agreements.ts";
import type { SizeClass } from "../db/schema/organizations.ts";
import { proposals } from "../db/schema/proposals.ts";
import {
  acceptAgreement,
  advanceAgreements,
  cancelAgreement,
  confirmAgreement,
  counterOffer,
  deliverAgreement,
  disputeAgreement,
  offerAgreement,
  proposeResolution,
  rejectAgreement,
  signResolution,
  withdrawAgreement,
  writeMessage,
} from "../domain/agreements/commands.ts";
import type { Acting, Ctx } from "../domain/context.ts";
import { donate } from "../domain/ledger/donate.ts";
import { decideVoucher, requestVoucher } from "../domain/ledger/vouchers.ts";
import { decideVerification, requestVerification } from "../domain/organizations/verification.ts";
import { vouch } from "../domain/organizations/vouching.ts";
import { reviewAgreement } from "../domain/reviews/commands.ts";
import type { DemoHub } from "./demo-data.ts";

const DAY = 86_400_000;

/** One who offers or needs something, by the place in the demo's list. */
interface Member extends Acting {
  proposalId: Id | null;
  purpose: "offer" | "request" | null;
  gift: boolean;
}

/** Sizes of the organizations, in their order; the last ones but one ask to be verified, the last one has not asked. */
const SIZES: SizeClass[] = ["S", "M", "S", "M", "S", "M", "L", "M", "L", "S"];

/** How far an exchange came. */
type End =
  | "offered"
  | "countered"
  | "accepted"
  | "delivered"
  | "settled"
  | "part"
  | "silence"
  | "rejected"
  | "withdrawn"
  | "expired"
  | "cancelled"
  | "disputed"
  | "resolved";

/**
 * The history of the demo's exchange within a hub: eight months of it, with something in every state that an agreement stays in.
 * (Confirmed is none of them: within one hub what is confirmed is settled.) It is written in two parts, since only who has exchanged
 * at home may pay at other hubs: `begin` tells of the first half, until 120 days ago, and `goOn` of the rest.
 *
 * @param curator of the hub's staff, who belongs to none of the organizations
 */
export async function exchangeHistory(
  ctx: Ctx,
  organizations: readonly Acting[],
  published: readonly (Id | null)[],
  curator: Acting,
  { phrases, currency, locale }: Pick<DemoHub, "phrases" | "currency" | "locale">,
): Promise<{ begin(): Promise<void>; goOn(): Promise<void> }> {
  const worth = (hours: number) => String(hours * Number(currency.rate));
  const at = (daysAgo: number): Ctx => ({
    ...ctx,
    clock: { now: () => new Date(Date.now() - daysAgo * DAY) },
  });
  const members = await membersOf(ctx, organizations, published);
  return { begin, goOn };

  /** `answerer` answers the proposal of `owner`; each step is a while after the one before. */
  async function exchange(
    daysAgo: number,
    answerer: number,
    owner: number,
    quantity: number,
    end: End,
    more: { donation?: number; voucherId?: Id; days?: number } = {},
  ): Promise<Id> {
    const one = members[answerer]!;
    const other = members[owner]!;
    const { proposalId } = other;
    if (proposalId === null) throw new Error(`Organization ${owner} of the demo has no proposal.`);
    const [provider, receiver] = other.purpose === "offer" ? [other, one] : [one, other];
    const step = (days: number) => at(Math.max(daysAgo - days * (more.days ?? 1), 0.01));
    const due = new Date(step(0).clock.now().getTime() + 20 * DAY);
    const { voucherId } = more;
    const terms = { proposalId, revision: 1, quantity, due, note: phrases.offer, voucherId };
    const id = await offerAgreement(step(0), one, terms);
    if (end === "offered") return id;
    if (end === "countered") {
      await counterOffer(step(1), other, id, { quantity: quantity + 1, due, note: phrases.counter });
      return id;
    }
    if (end === "rejected") await rejectAgreement(step(1), other, id, { note: phrases.reject });
    if (end === "withdrawn") await withdrawAgreement(step(1), one, id);
    if (["rejected", "withdrawn", "expired"].includes(end)) return id;
    await acceptAgreement(step(1), other, id);
    await writeMessage(step(1.2), one, id, { content: phrases.hello });
    await writeMessage(step(1.4), other, id, { content: phrases.answer });
    if (end === "cancelled") await cancelAgreement(step(2), one, id, { note: phrases.cancel });
    if (end === "cancelled" || end === "accepted") return id;
    await deliverAgreement(step(5), provider, id, { donation: more.donation ?? 0 });
    if (end === "delivered" || end === "silence") return id;
    if (end === "part") {
      const half = await halfOf(ctx, id);
      await confirmAgreement(step(6), receiver, id, { amount: half, note: phrases.part });
    } else if (end === "disputed" || end === "resolved") {
      await disputeAgreement(step(6), receiver, id, { note: phrases.dispute });
      const release = await halfOf(ctx, id);
      await proposeResolution(step(7), curator.accountId, id, { release, note: phrases.resolution });
      if (end === "disputed") return id;
      const [resolution] = await ctx.db
        .select({ id: resolutions.id })
        .from(resolutions)
        .where(eq(resolutions.agreementId, id));
      await signResolution(step(8), provider, id, resolution!.id);
      await signResolution(step(8.5), receiver, id, resolution!.id);
    } else await confirmAgreement(step(6), receiver, id);
    return id;
  }

  /** Exchanges of half a year begin, so that one sees who gives and who receives. */
  async function begin(): Promise<void> {
    const long = at(240);
    for (const [index, sizeClass] of SIZES.entries()) {
      const member = members[index]!;
      await requestVerification(long, member, { sizeClass, statement: phrases.statement });
      await decideVerification(long, curator, member.actorId, { state: "verified", sizeClass });
    }
    await exchange(238, 2, 0, 3, "settled");
    await exchange(225, 6, 3, 4, "settled", { donation: 10 });
    await exchange(210, 4, 1, 4, "settled");
    await exchange(190, 8, 5, 1, "settled", { donation: 20 });
    await exchange(170, 3, 2, 4, "settled");
    await exchange(150, 9, 6, 2, "settled", { donation: 10 });
    await exchange(140, 7, 8, 2, "silence");
    await moveOn(at(120));
  }

  async function goOn(): Promise<void> {
    await requestVerification(at(2), members[10]!, { sizeClass: "S", statement: phrases.statement });
    await vouch(at(30), members[6]!, members[10]!.actorId, worth(2));
    await exchange(120, 1, 3, 3, "settled");
    await exchange(95, 5, 1, 4, "part");
    await exchange(90, 0, 7, 1, "settled");
    await exchange(75, 6, 5, 1, "resolved");
    await exchange(60, 8, 6, 3, "settled", { donation: 20 });
    await donate(at(55), members[1]!, { amount: worth(3) });
    await exchange(50, 4, 0, 3, "expired");
    await moveOn(at(30));

    // The solidarity fund pays for one that has nothing to offer yet; another one waits for an answer.
    const { id: voucherId } = await requestVoucher(at(20), members[4]!, {
      amount: worth(3),
      purpose: phrases.voucher,
    });
    await decideVoucher(at(19), curator, voucherId, { approve: true }).catch(alreadyApproved);
    await exchange(18, 4, 0, 3, "settled", { voucherId });
    await requestVoucher(at(1), members[9]!, { amount: worth(30), purpose: phrases.voucher });

    // What was reviewed by both, by one, and by nobody yet.
    const reviewed = await exchange(12, 7, 3, 2, "settled");
    await review(at(4), members[7]!, reviewed, [5, 5, 4], phrases.reviews[0]);
    await review(at(3), members[3]!, reviewed, [5, 4, 5], phrases.reviews[1]);
    const again = await exchange(11, 2, 3, 1, "settled");
    await review(at(3), members[2]!, again, [4, 5, 5], phrases.reviews[2]);
    await review(at(2), members[3]!, again, [5, 5, 5], phrases.reviews[3]);
    const sealed = await exchange(9, 1, 5, 1, "settled");
    await review(at(1), members[1]!, sealed, [4, 4, 4], phrases.reviews[0]);

    // And what goes on.
    await exchange(10, 0, 5, 1, "disputed");
    await exchange(9, 8, 1, 4, "delivered");
    await exchange(6, 9, 7, 1, "delivered");
    await exchange(5, 6, 0, 3, "accepted");
    await exchange(4, 3, 9, 2, "accepted");
    const gift = members.findIndex((member) => member.gift);
    await exchange(3, 5, gift, 1, "accepted");
    await exchange(4, 7, 2, 3, "countered");
    await exchange(3, 5, 3, 2, "offered");
    await exchange(3, 4, 9, 2, "offered");
    await exchange(6, 2, 5, 1, "rejected");
    await exchange(5, 1, 8, 2, "withdrawn");
    await exchange(8, 3, 6, 2, "cancelled");

    // What is long past was seen.
    await ctx.db.execute(sql`
    update notices set read = created, mailed = created where created < ${at(6).clock.now().toISOString()}::timestamptz`);
  }

  /** Lets the clock do what was due by then. */
  async function moveOn(then: Ctx): Promise<void> {
    const [failed] = await advanceAgreements(then);
    if (failed !== undefined) throw failed.error;
  }

  async function review(then: Ctx, by: Acting, id: Id, scores: [number, number, number], content: string) {
    const [keptWord, quality, communication] = scores;
    await reviewAgreement(then, by, id, { keptWord, quality, communication, content, language: locale });
  }
}

/** The organizations with what they offer or need. */
async function membersOf(
  ctx: Ctx,
  organizations: readonly Acting[],
  published: readonly (Id | null)[],
): Promise<Member[]> {
  const ids = published.filter((id) => id !== null);
  const rows = await ctx.db
    .select({ id: proposals.id, purpose: proposals.purpose, settlement: proposals.settlement })
    .from(proposals)
    .where(inArray(proposals.id, ids));
  return organizations.map((acting, index) => {
    const row = rows.find(({ id }) => id === published[index]);
    return {
      ...acting,
      proposalId: row?.id ?? null,
      purpose: row?.purpose ?? null,
      gift: row?.settlement === "none",
    };
  });
}

async function halfOf(ctx: Ctx, agreementId: Id): Promise<bigint> {
  const [row] = await ctx.db.execute<{ half: string }>(
    sql`select coalesce(amount / 2, 0) as half from agreements where id = ${agreementId}`,
  );
  return BigInt(row?.half ?? 0);
}

/** Within a small organization's quota no curator has to decide. */
function alreadyApproved(error: unknown): void {
  if (!(error instanceof Error && "code" in error && error.code === "conflict")) throw error;
}
