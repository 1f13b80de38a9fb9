import { eq } from "drizzle-orm";
import type { Id } from "../../src/db/ids.ts";
import { accounts } from "../../src/db/schema/accounts.ts";
import { agreements, resolutions } from "../../src/db/schema/agreements.ts";
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
} from "../../src/domain/agreements/commands.ts";
import type { Acting, Ctx } from "../../src/domain/context.ts";
import { once } from "../../src/domain/idempotency.ts";
import { donate, returnCredits } from "../../src/domain/ledger/donate.ts";
import { decideVoucher, requestVoucher } from "../../src/domain/ledger/vouchers.ts";
import { reviewAgreement } from "../../src/domain/reviews/commands.ts";
import { answer, DAY, organizations, publish } from "./exchange.ts";

/** Two organizations with something between them. Survives JSON (ids as decimal strings). */
export interface Scene {
  now: string;
  admin: Acting;
  /** A curator who belongs to neither. */
  steward: Acting;
  provider: Acting;
  receiver: Acting;
  proposalId: Id;
  agreementId: Id;
  transferId: Id;
  resolutionId: Id;
  voucherId: Id;
  /** What a test adds. */
  key?: string;
  payload?: string;
}

type Stage =
  | "published"
  | "offered"
  | "funded"
  | "delivered"
  | "disputed"
  | "proposed"
  | "half signed"
  | "settled";
const STAGES: Stage[] = [
  "published",
  "offered",
  "funded",
  "delivered",
  "disputed",
  "proposed",
  "half signed",
  "settled",
];

/** Every intention of the exchange, with how far two organizations have come before it. */
export const STAGE_OF = {
  offer: "published",
  "offer with a voucher": "published",
  counter: "offered",
  accept: "offered",
  reject: "offered",
  withdraw: "offered",
  "let an offer lapse": "offered",
  cancel: "funded",
  deliver: "funded",
  "let work lapse": "funded",
  confirm: "delivered",
  "confirm with a donation": "delivered",
  "confirm a part": "delivered",
  "settle by silence": "delivered",
  dispute: "delivered",
  write: "delivered",
  "propose a resolution": "disputed",
  "end a dispute by the rule": "disputed",
  "sign first": "proposed",
  "sign last": "half signed",
  review: "settled",
  "give credits back": "settled",
  donate: "settled",
  "ask for a voucher": "settled",
  "decide a voucher": "published",
  "offer once": "published",
} as const satisfies Record<string, Stage>;

export type Intention = keyof typeof STAGE_OF;

const NOTE = { note: "así lo acordamos" };
const later = (ctx: Ctx, days: number): Ctx => ({
  ...ctx,
  clock: { now: () => new Date(ctx.clock.now().getTime() + days * DAY) },
});

export const intentions: Record<Intention, (ctx: Ctx, scene: Scene) => Promise<unknown>> = {
  offer: (ctx, scene) => answer(ctx, scene.receiver, scene.proposalId),
  "offer with a voucher": (ctx, { receiver, proposalId, voucherId }) =>
    offerAgreement(ctx, receiver, { proposalId, revision: 1, quantity: 1, due: null, voucherId }),
  counter: (ctx, { provider, agreementId }) =>
    counterOffer(ctx, provider, agreementId, { quantity: 2, due: null }),
  accept: (ctx, { provider, agreementId }) => acceptAgreement(ctx, provider, agreementId),
  reject: (ctx, { provider, agreementId }) => rejectAgreement(ctx, provider, agreementId, NOTE),
  withdraw: (ctx, { receiver, agreementId }) => withdrawAgreement(ctx, receiver, agreementId),
  "let an offer lapse": (ctx) => advance(later(ctx, 40)),
  cancel: (ctx, { receiver, agreementId }) => cancelAgreement(ctx, receiver, agreementId, NOTE),
  deliver: (ctx, { provider, agreementId }) => deliverAgreement(ctx, provider, agreementId),
  "let work lapse": (ctx) => advance(later(ctx, 200)),
  confirm: (ctx, { receiver, agreementId }) => confirmAgreement(ctx, receiver, agreementId),
  "confirm with a donation": (ctx, { receiver, agreementId }) => confirmAgreement(ctx, receiver, agreementId),
  "confirm a part": (ctx, { receiver, agreementId }) =>
    confirmAgreement(ctx, receiver, agreementId, { ...NOTE, amount: 40n }),
  "settle by silence": (ctx) => advance(later(ctx, 40)),
  dispute: (ctx, { receiver, agreementId }) => disputeAgreement(ctx, receiver, agreementId, NOTE),
  write: (ctx, { receiver, agreementId }) => writeMessage(ctx, receiver, agreementId, { content: "Hola" }),
  "propose a resolution": (ctx, { steward, agreementId }) =>
    proposeResolution(ctx, steward.accountId, agreementId, { release: 60n, note: "a medias" }),
  "end a dispute by the rule": (ctx) => advance(later(ctx, 40)),
  "sign first": (ctx, { provider, agreementId, resolutionId }) =>
    signResolution(ctx, provider, agreementId, resolutionId),
  "sign last": (ctx, { receiver, agreementId, resolutionId }) =>
    signResolution(ctx, receiver, agreementId, resolutionId),
  review: (ctx, { receiver, agreementId }) =>
    reviewAgreement(ctx, receiver, agreementId, {
      keptWord: 5,
      quality: 4,
      communication: 5,
      content: "Muy buen taller",
      language: "es",
    }),
  "give credits back": (ctx, { provider, transferId }) =>
    returnCredits(ctx, provider, transferId, { amount: "0,5", note: "fue de más" }),
  donate: (ctx, { provider }) => donate(ctx, provider, { amount: "0,25" }),
  "ask for a voucher": (ctx, { receiver }) =>
    requestVoucher(ctx, receiver, { amount: "1", purpose: "un taller" }),
  "decide a voucher": (ctx, { steward, voucherId }) =>
    decideVoucher(ctx, steward, voucherId, { approve: true }),
  "offer once": (ctx, scene) => {
    const { receiver, key = "una-sola-vez", payload = "1" } = scene;
    return once(ctx, receiver.actorId, key, payload, async (ctx) => {
      const id = await answer(ctx, receiver, scene.proposalId);
      return { status: 201, location: `/agreements/${id}`, body: id.toString() };
    }).then(({ body }) => body);
  },
};

async function advance(ctx: Ctx): Promise<void> {
  const [failed] = await advanceAgreements(ctx);
  if (failed !== undefined) throw failed.error;
}

/** Brings two new organizations as far as an intention needs them; nothing in between is left to chance. */
export async function sceneFor(ctx: Ctx, admin: Acting, intention: Intention, tag: string): Promise<Scene> {
  const [provider, receiver] = (await organizations(ctx, admin, 2, 1000n, tag)) as [Acting, Acting];
  const steward = await curator(ctx, tag);
  const proposalId = await publish(ctx, provider, { price: "1" });
  const scene: Scene = {
    now: ctx.clock.now().toISOString(),
    ...{ admin, steward, provider, receiver, proposalId },
    agreementId: 0n,
    transferId: 0n,
    resolutionId: 0n,
    voucherId: 0n,
  };
  if (intention === "offer with a voucher" || intention === "decide a voucher") {
    await fill(ctx, provider);
    const { id } = await requestVoucher(ctx, receiver, { amount: "1", purpose: "un taller" });
    if (intention === "offer with a voucher") await decideVoucher(ctx, steward, id, { approve: true });
    scene.voucherId = id;
  }
  const until = STAGES.indexOf(STAGE_OF[intention]);
  const reached = (stage: Stage) => until >= STAGES.indexOf(stage);
  if (!reached("offered")) return scene;
  const agreementId = await answer(ctx, receiver, proposalId);
  scene.agreementId = agreementId;
  if (reached("funded")) await acceptAgreement(ctx, provider, agreementId);
  const donation = intention === "confirm with a donation" ? 20 : 0;
  if (reached("delivered")) await deliverAgreement(ctx, provider, agreementId, { donation });
  if (reached("settled")) await confirmAgreement(ctx, receiver, agreementId);
  else if (reached("disputed")) await disputeAgreement(ctx, receiver, agreementId, NOTE);
  if (reached("proposed") && !reached("settled")) {
    await proposeResolution(ctx, steward.accountId, agreementId, { release: 60n, note: "a medias" });
    const [row] = await ctx.db.select().from(resolutions).where(eq(resolutions.agreementId, agreementId));
    scene.resolutionId = row!.id;
    if (reached("half signed")) await signResolution(ctx, provider, agreementId, scene.resolutionId);
  }
  const [row] = await ctx.db.select().from(agreements).where(eq(agreements.id, agreementId));
  scene.transferId = row?.transferId ?? 0n;
  return scene;
}

/** Gives the solidarity fund something to pay with: what somebody earned. */
async function fill(ctx: Ctx, giver: Acting): Promise<void> {
  const [other] = (await organizations(ctx, giver, 1, 1000n, `rich${giver.actorId}`)) as [Acting];
  const earned = await answer(ctx, other, await publish(ctx, giver, { price: "5" }));
  await acceptAgreement(ctx, giver, earned);
  await confirmAgreement(ctx, other, earned);
  await donate(ctx, giver, { amount: "4" });
}

export async function curator(ctx: Ctx, tag: string): Promise<Acting> {
  const [person] = (await organizations(ctx, { accountId: 0n, actorId: 0n }, 1, 0n, `curator${tag}`)) as [
    Acting,
  ];
  const accountId = await ctx.ids.next();
  await ctx.db.insert(accounts).values({
    id: accountId,
    actorId: person.actorId,
    email: `${tag}@example.org`,
    passwordHash: "nobody logs in with this",
    role: "curator",
    locale: "es",
    created: ctx.clock.now(),
  });
  return { accountId, actorId: person.actorId };
}
