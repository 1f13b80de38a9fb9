import { and, eq, isNotNull } from "drizzle-orm";
import type { Id } from "../db/ids.ts";
import { type AgreementState, agreementSteps, agreements, resolutions } from "../db/schema/agreements.ts";
import { proposals } from "../db/schema/proposals.ts";
import {
  acceptAgreement,
  cancelAgreement,
  confirmAgreement,
  counterOffer,
  deliverAgreement,
  disputeAgreement,
  offerAgreement,
  rejectAgreement,
  signResolution,
  withdrawAgreement,
} from "../domain/agreements/commands.ts";
import { agreeToResolution, proposeBetween } from "../domain/agreements/stewards.ts";
import type { Acting } from "../domain/context.ts";
import { donate } from "../domain/ledger/donate.ts";
import { requestVoucher } from "../domain/ledger/vouchers.ts";
import { reviewAgreement } from "../domain/reviews/commands.ts";
import type { Sights, Site } from "./demo-fill.ts";

/** How the exchanges move through the months. */
interface Calendar {
  /** Goes on to so many days before now, when all that was begun has come to rest on both hubs. */
  goTo(daysAgo: number): Promise<void>;
  /** Lets some milliseconds pass. */
  pass(milliseconds: number): void;
  settled(): Promise<void>;
}

/** How far an exchange between the hubs comes, with the state that it then has on both. */
const ENDS = {
  offered: "offered",
  countered: "offered",
  gift: "accepted",
  funded: "funded",
  delivered: "delivered",
  settled: "settled",
  part: "settled",
  silence: "settled",
  rejected: "rejected",
  withdrawn: "withdrawn",
  expired: "expired",
  cancelled: "cancelled",
  refused: "cancelled",
  disputed: "disputed",
  resolved: "resolved",
} satisfies Record<string, AgreementState>;
type End = keyof typeof ENDS;

/** One party of an exchange: an organization of a hub, and what the agreement is called there. */
interface Side {
  site: Site;
  acting: Acting;
  id: Id;
}

/** An exchange on its way: it goes on whenever the calendar has come to the day (so many days ago) that it last named. */
type Story = AsyncGenerator<number, [Side, Side]>;

/**
 * Half a year of exchanges between organizations of two hubs that are peers, in every state that they stay in; each step is taken by
 * its own party on its own hub, and reaches the other hub as it always does. (What is agreed for credits is promised at once as
 * long as both hubs run, and what is confirmed is settled: `accepted` stays a gift alone, and `confirmed` nothing.)
 */
export async function exchangesAcross(
  lac: Site,
  mena: Site,
  calendar: Calendar,
): Promise<Pick<Sights, "agreement" | "disputed">> {
  const minute = 60_000;
  const started: { story: Story; next: number; end: End }[] = [];
  const plan = (end: End, story: Story, next: number) => started.push({ story, next, end });
  /** An organization of one hub answers the proposal of one of the other hub, so many days ago. */
  function exchange(
    daysAgo: number,
    [here, one]: At,
    [there, owner]: At,
    quantity: number,
    end: End,
    more = {},
  ) {
    plan(end, tell(daysAgo, { here, one, there, owner, quantity, end, ...more }), daysAgo);
  }
  exchange(118, [lac, 2], [mena, 5], 2, "settled", { reviews: 2 });
  exchange(118, [mena, 0], [lac, 3], 4, "settled", { reviews: 2 });
  exchange(118, [lac, 3], [mena, 3], 4, "part", { reviews: 1 });
  exchange(118, [lac, 1], [mena, 7], 2, "rejected");
  exchange(90, [lac, 0], [mena, 4], 2, "silence");
  exchange(90, [mena, 5], [lac, 5], 1, "settled");
  exchange(90, [mena, 9], [lac, 11], 2, "expired");
  exchange(90, [lac, 6], [mena, 7], 2, "resolved");
  exchange(90, [mena, 11], [lac, 2], 2, "settled", { reviews: 2 });
  exchange(60, [mena, 4], [lac, 6], 2, "cancelled");
  exchange(60, [mena, 7], [lac, 5], 1, "withdrawn");
  exchange(60, [lac, 9], [mena, 11], 4, "refused");
  exchange(60, [lac, 4], [mena, 5], 1, "settled", { voucher: "1" });
  exchange(30, [mena, 3], [lac, 11], 2, "settled", { reviews: 1 });
  exchange(12, [lac, 3], [mena, 10], 2, "settled", { reviews: 1 });
  exchange(12, [lac, 9], [mena, 4], 2, "disputed");
  exchange(12, [lac, 5], [mena, 5], 1, "delivered");
  exchange(12, [mena, 5], [lac, 11], 1, "delivered");
  exchange(12, [lac, 7], [mena, 7], 2, "funded");
  exchange(12, [mena, 8], [lac, 6], 2, "funded");
  exchange(4, [mena, 8], [lac, 9], 2, "gift");
  exchange(4, [lac, 1], [mena, 4], 2, "countered");
  exchange(4, [mena, 0], [lac, 11], 2, "offered");
  exchange(4, [lac, 3], [mena, 5], 2, "offered");

  const told: { end: End; sides: [Side, Side] }[] = [];
  const going = [...started];
  while (going.length > 0) {
    const day = Math.max(...going.map(({ next }) => next));
    await calendar.goTo(day);
    for (const one of going.filter(({ next }) => next === day)) {
      calendar.pass(13 * minute);
      const { value, done } = await one.story.next();
      if (done !== true) one.next = value;
      else {
        told.push({ end: one.end, sides: value });
        going.splice(going.indexOf(one), 1);
      }
    }
  }
  await calendar.settled();
  for (const { end, sides } of told) for (const side of sides) await requireState(side, ENDS[end]);
  const sight = (end: End) => {
    const sides = told.find((one) => one.end === end)!.sides;
    return [lac, mena].map((site) => `/agreements/${sides.find((side) => side.site === site)!.id}`);
  };
  return { agreement: sight("delivered"), disputed: sight("disputed") };
}

/** An organization, by its place in the demo's list. */
type At = [Site, number];

interface Plot {
  /** Who answers. */
  here: Site;
  one: number;
  /** Whose proposal it is. */
  there: Site;
  owner: number;
  quantity: number;
  end: End;
  /** How many of the two review it: the receiver first. */
  reviews?: number;
  /** So many credits of the fund pay for it. */
  voucher?: string;
}

/** One exchange, from its offer to where it ends. */
async function* tell(from: number, plot: Plot): Story {
  const { quantity, end, reviews = 0, voucher } = plot;
  const { proposal, receives } = await answered(plot);
  const answerer: Side = { site: plot.here, acting: plot.here.organizations[plot.one]!, id: 0n };
  const owner: Side = { site: plot.there, acting: plot.there.organizations[plot.owner]!, id: 0n };
  const sides: [Side, Side] = [answerer, owner];
  const [provider, receiver] = receives ? [owner, answerer] : [answerer, owner];
  const due = new Date(answerer.site.ctx.clock.now().getTime() + 20 * DAY);
  const voucherId = voucher === undefined ? undefined : await approved(answerer, voucher);
  answerer.id = await offerAgreement(answerer.site.ctx, answerer.acting, {
    ...{ ...proposal, quantity, due, voucherId, note: phrases(answerer).offer },
  });
  // What is said here reaches the other hub before the calendar goes on.
  yield from - 1;
  owner.id = await counterpart(answerer, owner);
  if (end === "withdrawn") await step(answerer, withdrawAgreement);
  if (end === "rejected") await step(owner, rejectAgreement, { note: phrases(owner).reject });
  if (end === "countered")
    await counterOffer(owner.site.ctx, owner.acting, owner.id, {
      ...{ quantity: quantity + 1, amount: null, due, note: phrases(owner).counter },
    });
  if (end === "expired") yield from - 16;
  if (["offered", "withdrawn", "rejected", "countered", "expired"].includes(end)) return sides;
  await step(owner, acceptAgreement);
  if (end === "cancelled") {
    yield from - 3;
    await step(receiver, cancelAgreement, { note: phrases(receiver).cancel });
  }
  if (["gift", "funded", "cancelled", "refused"].includes(end)) return sides;
  yield from - 5;
  await step(provider, deliverAgreement);
  if (end === "silence") yield from - 21;
  if (end === "delivered" || end === "silence") return sides;
  yield from - 6;
  if (end === "settled") await step(receiver, confirmAgreement);
  if (end === "part") {
    const amount = (await amountOf(receiver)) / 2n;
    await step(receiver, confirmAgreement, { amount, note: phrases(receiver).part });
  }
  if (end === "disputed" || end === "resolved") {
    await step(receiver, disputeAgreement, { note: phrases(receiver).dispute });
    yield from - 7;
    const [first, second] = end === "disputed" ? [provider, receiver] : [receiver, provider];
    await proposeBetween(first.site.ctx, first.site.curator.accountId, first.id, {
      ...{ payer: (await amountOf(receiver)) / 2n, note: phrases(first).resolution },
    });
    if (end === "disputed") return sides;
    yield from - 8;
    const asked = await newestResolution(second);
    await agreeToResolution(second.site.ctx, second.site.curator.accountId, second.id, asked);
    yield from - 9;
    for (const side of [provider, receiver])
      await signResolution(side.site.ctx, side.acting, side.id, await newestResolution(side));
  }
  for (const [index, side] of [receiver, provider].slice(0, reviews).entries()) {
    yield from - 8 - index;
    const { locale: language } = side.site.hub;
    const content = phrases(side).reviews[index === 0 ? 0 : 1];
    await reviewAgreement(side.site.ctx, side.acting, side.id, {
      ...{ keptWord: 5 - index, quality: 5, communication: 4 + index, content, language },
    });
  }
  return sides;
}

const DAY = 86_400_000;

const phrases = ({ site }: Side) => site.hub.phrases;

/** A party does something. */
function step<Input>(
  { site, acting, id }: Side,
  command: (ctx: Site["ctx"], who: Acting, id: Id, input: Input) => Promise<unknown>,
  input: Input = {} as Input,
): Promise<unknown> {
  return command(site.ctx, acting, id, input);
}

/** The proposal as the answerer's hub has copied it, and whether who answers it receives. */
async function answered({ here, there, owner }: Plot) {
  const iri = `${there.ctx.hub.origin}/proposals/${there.published[owner]}`;
  const [row] = await here.ctx.db
    .select({ proposalId: proposals.id, revision: proposals.revision, purpose: proposals.purpose })
    .from(proposals)
    .where(eq(proposals.iri, iri));
  if (row === undefined) throw new Error(`${here.hub.name} has no copy of ${iri}.`);
  const { purpose, ...proposal } = row;
  return { proposal, receives: purpose === "offer" };
}

/** Has the fund pay. */
async function approved({ site, acting }: Side, amount: string): Promise<Id> {
  await donate(site.ctx, site.organizations[1]!, { amount });
  const { id, approved } = await requestVoucher(site.ctx, acting, {
    amount,
    purpose: site.hub.phrases.voucher,
  });
  if (!approved) throw new Error(`The fund of ${site.hub.name} does not pay ${amount}.`);
  return id;
}

/** What the other hub calls the same agreement: both have the Offer byte for byte. */
async function counterpart(mine: Side, theirs: Side): Promise<Id> {
  const [offer] = await mine.site.ctx.db
    .select({ activity: agreementSteps.activity })
    .from(agreementSteps)
    .where(and(eq(agreementSteps.agreementId, mine.id), eq(agreementSteps.message, "offer")));
  const [found] = await theirs.site.ctx.db
    .select({ id: agreementSteps.agreementId })
    .from(agreementSteps)
    .where(eq(agreementSteps.activity, offer?.activity ?? ""));
  if (found === undefined) throw new Error(`The offer ${offer?.activity} did not arrive.`);
  return found.id;
}

async function amountOf(side: Side): Promise<bigint> {
  const { amount } = await standing(side);
  return amount ?? 0n;
}

async function requireState(side: Side, state: AgreementState): Promise<void> {
  const found = await standing(side);
  if (found.state !== state)
    throw new Error(
      `Agreement ${side.id} of ${side.site.hub.name} is ${found.state}, and should be ${state}.`,
    );
}

async function standing({ site, id }: Side) {
  const [row] = await site.ctx.db
    .select({ state: agreements.state, amount: agreements.amount })
    .from(agreements)
    .where(eq(agreements.id, id));
  if (row === undefined) throw new Error(`There is no agreement ${id}.`);
  return row;
}

/** What the stewards of both hubs know by one name. */
async function newestResolution({ site, id }: Side): Promise<Id> {
  const [row] = await site.ctx.db
    .select({ id: resolutions.id })
    .from(resolutions)
    .where(and(eq(resolutions.agreementId, id), isNotNull(resolutions.iri)));
  if (row === undefined) throw new Error(`No steward has proposed anything for agreement ${id}.`);
  return row.id;
}
