import { and, desc, eq, isNull } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { agreementSteps, agreements, resolutions } from "../../db/schema/agreements.ts";
import { actorById } from "../actors/queries.ts";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { localHub } from "../hubs/queries.ts";
import { currentPolicy } from "../ledger/policy.ts";
import { notifyStaff } from "../notices/commands.ts";
import { findPeer, type Peer } from "../peers/queries.ts";
import { together, transact } from "../transact.ts";
import { requiredText } from "../validate.ts";
import { emitSigned, takeStep } from "./apply.ts";
import type { Signed, StewardStatement } from "./consents.ts";
import {
  idAfter,
  type Loaded,
  lockAgreement,
  newestSigned,
  partyOf,
  requireSteward,
  sideOf,
  toMachine,
  type Who,
} from "./load.ts";
import { pinnedOf } from "./quote.ts";
import type { Pinned } from "./quote-rules.ts";
import { type Message, type Side, step } from "./rules.ts";
import { arriving, PROPOSALS_MAX } from "./stewarding.ts";

/*
 * A dispute between two hubs has two stewards, one of each: what one of them proposes the other one agrees to, and only then the parties
 * can sign it. It is carried out by the payer's hub. What either says its hub signs, and both hubs keep it among the agreement's steps.
 */

const NOTE_MAX = 1000;

type Resolution = typeof resolutions.$inferSelect;

/**
 * A steward of ours proposes how to end a dispute with an organization of a peer. The other hub's stewards are asked.
 *
 * @param input.payer what is paid of what is held, in minor units of the payer's currency; the rest goes back
 * @throws DomainError not_found (no curator, or one of the two organizations'), not_now, over_amount, nothing_arrives, required, too_long,
 *   too_many
 */
export async function proposeBetween(
  ctx: Ctx,
  accountId: Id,
  id: Id,
  input: { payer: bigint; note: string },
): Promise<void> {
  const note = requiredText("note", input.note, NOTE_MAX);
  const speaker = await speakerOf(ctx);
  await transact(ctx, async (ctx) => {
    const between = disputed(await lockAgreement(ctx, id));
    const { loaded } = between;
    await requireSteward(ctx, accountId, loaded.row);
    const created = ctx.clock.now();
    const said = { accountId, payer: input.payer, note, theirs: false, iri: null, created };
    const to = await peerOf(ctx, loaded);
    const stepId = await keep(ctx, between, said, (resolution) =>
      speaker.say(loaded, { type: "propose", to, resolution, proposal: null, id: resolution.id }, created),
    );
    await emitSigned(ctx, speaker.actorId, stepId);
  });
}

/**
 * A steward of ours agrees to what one of the other hub proposed: both parties may sign it now.
 *
 * @throws DomainError not_found (as proposeBetween), not_now (there is a newer one, or it was agreed to)
 */
export async function agreeToResolution(ctx: Ctx, accountId: Id, id: Id, resolutionId: Id): Promise<void> {
  const speaker = await speakerOf(ctx);
  await transact(ctx, async (ctx) => {
    const { loaded } = disputed(await lockAgreement(ctx, id));
    await requireSteward(ctx, accountId, loaded.row);
    const [theirs] = await ctx.db
      .select()
      .from(resolutions)
      .where(and(eq(resolutions.agreementId, id), eq(resolutions.theirs, true)))
      .orderBy(desc(resolutions.id))
      .limit(1);
    if (theirs === undefined || theirs.id !== resolutionId || theirs.agreed !== null)
      throw new DomainError("not_now", "there is another proposal by now");
    const { iri } = theirs;
    if (iri === null) throw new Error(`Resolution ${theirs.id} of another hub has no iri.`);
    const [to, proposal] = await together([peerOf(ctx, loaded), digestOf(ctx, theirs.id)]);
    const resolution = { ...theirs, iri, payer: theirs.payer ?? 0n };
    await agree(ctx, loaded, theirs, accountId, (stepId, now) =>
      speaker.say(loaded, { type: "agree", to, resolution, proposal, id: stepId }, now),
    );
  });
}

/** What the other hub's steward proposes, as its hub signed it. */
export interface RemoteResolution {
  iri: string;
  agreement: string;
  /** Minor units of the payer's currency. */
  payer: bigint;
  note: string;
  proposed: Date;
}

/** In the caller's transaction. @throws DomainError not_found, not_now, over_amount, nothing_arrives, too_many */
export async function receiveResolution(
  ctx: Ctx,
  peer: Peer,
  said: RemoteResolution,
  signed: Signed,
): Promise<void> {
  const loaded = await lockByIri(ctx, peer, said.agreement);
  const [known] = await ctx.db
    .select({ id: resolutions.id })
    .from(resolutions)
    .where(eq(resolutions.iri, said.iri));
  if (known !== undefined) return;
  // What its party said of it may come after what its hub says.
  const between = loaded.row.state === "delivered" ? pinnedIn(loaded) : disputed(loaded);
  const created = said.proposed < ctx.clock.now() ? said.proposed : ctx.clock.now();
  const { iri, payer, note } = said;
  await keep(ctx, between, { accountId: null, payer, note, theirs: true, iri, created }, () => signed);
  await notifyStaff(ctx, "curator", "resolution_asked", `/agreements/${loaded.row.id}`, {
    actor: peer.name,
    title: loaded.proposal.name,
  });
}

/**
 * A steward of the other hub agrees to what one of ours proposed. In the caller's transaction.
 *
 * @param said.proposal digest of the proposal, where it is named
 * @throws DomainError not_found, not_now
 */
export async function receiveAgreed(
  ctx: Ctx,
  peer: Peer,
  { iri, payer, proposal }: { iri: string; payer: bigint; proposal: string | null },
  signed: Signed,
): Promise<void> {
  const [found] = await ctx.db
    .select({ agreement: agreements.iri })
    .from(resolutions)
    .innerJoin(agreements, eq(agreements.id, resolutions.agreementId))
    .where(and(eq(resolutions.iri, iri), eq(resolutions.theirs, false)));
  if (found === undefined) throw new DomainError("not_found", "no such proposal");
  const { loaded } = disputed(await lockByIri(ctx, peer, found.agreement));
  const [ours] = await ctx.db.select().from(resolutions).where(eq(resolutions.iri, iri));
  if (ours === undefined || ours.payer !== payer)
    throw new DomainError("not_found", "another amount was proposed");
  const proposed = await digestOf(ctx, ours.id);
  if (proposal !== null && proposed !== null && proposal !== proposed)
    throw new DomainError("not_found", "another text was proposed");
  if (ours.agreed === null) await agree(ctx, loaded, ours, null, () => signed);
}

/**
 * The other party signs a proposal of the stewards; on the payer's hub, with both signatures, it is carried out. In the caller's
 * transaction. It may come before the word that the other hub's steward agreed: that a party can sign says as much there, and here it
 * waits for ours.
 *
 * @throws DomainError not_found, not_now, invalid
 */
export async function receiveSignature(
  ctx: Ctx,
  who: Who,
  agreementId: Id,
  { iri, payer }: { iri: string; payer: bigint },
  signed: Signed,
): Promise<void> {
  const policy = await currentPolicy(ctx);
  const { loaded } = disputed(await lockAgreement(ctx, agreementId));
  const by = partyOf(loaded.row, who.actorId);
  const [resolution] = await ctx.db
    .select()
    .from(resolutions)
    .where(and(eq(resolutions.iri, iri), eq(resolutions.agreementId, agreementId)));
  if (resolution === undefined) throw new DomainError("not_found", "no such proposal");
  if (resolution.payer !== payer) throw new DomainError("invalid", "another amount was proposed");
  const message: Message = { type: "sign", by };
  const now = ctx.clock.now();
  const outcome = step(toMachine(loaded, resolution), message, now, policy);
  await ctx.db
    .update(resolutions)
    .set({
      ...(by === "provider" ? { providerSigned: now } : { receiverSigned: now }),
      ...(outcome.agreement.state === "resolved" ? { applied: now } : {}),
    })
    .where(eq(resolutions.id, resolution.id));
  await takeStep(ctx, loaded, outcome, { message, who, note: null, sign: () => signed });
}

interface Between {
  loaded: Loaded;
  pinned: Pinned;
  side: Side;
}

/** @throws DomainError not_found */
async function lockByIri(ctx: Ctx, peer: Peer, iri: string): Promise<Loaded> {
  const [row] = await ctx.db
    .select({ id: agreements.id })
    .from(agreements)
    .where(and(eq(agreements.iri, iri), eq(agreements.peerId, peer.id)));
  if (row === undefined) throw new DomainError("not_found", "no such agreement");
  return lockAgreement(ctx, row.id);
}

/** @throws DomainError not_now */
function disputed(loaded: Loaded): Between {
  if (loaded.row.state !== "disputed") throw new DomainError("not_now", `it is ${loaded.row.state}`);
  return pinnedIn(loaded);
}

function pinnedIn(loaded: Loaded): Between {
  const pinned = pinnedOf(loaded.row);
  const side = sideOf(loaded.row, loaded.receiver);
  if (pinned === null || side === null)
    throw new DomainError("not_now", "no credits cross between hubs for it");
  return { loaded, pinned, side };
}

/**
 * Writes a proposal down, and as a step, which has the same id, what its hub signed.
 *
 * @throws DomainError over_amount, nothing_arrives, too_many
 */
async function keep(
  ctx: Ctx,
  { loaded, pinned, side }: Between,
  said: Pick<Resolution, "accountId" | "note" | "theirs" | "iri" | "created"> & { payer: bigint },
  sign: (resolution: { id: Id; iri: string; payer: bigint; note: string; created: Date }) => Signed,
): Promise<Id> {
  const { payer, note, accountId, created } = said;
  if (payer < 0n || payer > pinned.payer)
    throw new DomainError("over_amount", "more than is held", { field: "release" });
  const payee = arriving(pinned, payer);
  if (payer > 0n && payee === 0n)
    throw new DomainError("nothing_arrives", "nothing of it would arrive", { field: "release" });
  const agreementId = loaded.row.id;
  const [newest] = await ctx.db
    .select({ id: resolutions.id })
    .from(resolutions)
    .where(eq(resolutions.agreementId, agreementId))
    .orderBy(desc(resolutions.id))
    .limit(1);
  if ((await ctx.db.$count(resolutions, eq(resolutions.agreementId, agreementId))) >= PROPOSALS_MAX)
    throw new DomainError("too_many", "there are many proposals already");
  const { last } = await newestSigned(ctx, agreementId);
  const id = await idAfter(ctx, later(newest?.id ?? null, last));
  const iri = said.iri ?? `${ctx.hub.origin}/resolutions/${id}`;
  const release = side === "payer" ? payer : payee;
  const { state } = loaded.row;
  const step = { id, agreementId, message: "propose", state, accountId, amount: release, note };
  const signed = sign({ id, iri, payer, note, created });
  await together([
    ctx.db.insert(resolutions).values({ ...said, id, agreementId, iri, release }),
    ctx.db.insert(agreementSteps).values({ ...step, ...signed, created: ctx.clock.now() }),
  ]);
  return id;
}

const later = (a: Id | null, b: Id | null): Id | null => (b === null || (a !== null && a > b) ? a : b);

/** The digest of a proposal as it was signed; null: it is older than what is kept of them. */
async function digestOf(ctx: Ctx, resolutionId: Id): Promise<string | null> {
  const [step] = await ctx.db
    .select({ digest: agreementSteps.digest })
    .from(agreementSteps)
    .where(eq(agreementSteps.id, resolutionId));
  return step?.digest ?? null;
}

/** Stewards of both hubs stand behind it: the parties are told, and may sign. */
async function agree(
  ctx: Ctx,
  loaded: Loaded,
  resolution: Resolution,
  accountId: Id | null,
  agreed: (stepId: Id, now: Date) => Signed,
): Promise<void> {
  const policy = await currentPolicy(ctx);
  const now = ctx.clock.now();
  await ctx.db
    .update(resolutions)
    .set({ agreed: now, agreedBy: accountId })
    .where(and(eq(resolutions.id, resolution.id), isNull(resolutions.agreed)));
  const message: Message = { type: "propose", release: resolution.release };
  const outcome = step(toMachine(loaded, null), message, now, policy);
  await takeStep(ctx, loaded, outcome, {
    ...{ message, who: { actorId: 0n, accountId }, note: null, sign: null, agreed },
  });
}

/** This hub as it speaks for its stewards. Its key is opened before there is a transaction. */
async function speakerOf(ctx: Ctx) {
  const { actorId } = await localHub(ctx);
  const [sign, { iri: actor }] = await Promise.all([
    ctx.consents.stewardSigner(ctx.db, actorId),
    actorById(ctx, actorId),
  ]);
  return {
    actorId,
    say: ({ row }: Loaded, word: Omit<StewardStatement, "actor" | "agreement">, now: Date) =>
      sign({ ...word, actor, agreement: row.iri }, now),
  };
}

/** Iri of the other hub. */
async function peerOf(ctx: Ctx, { row }: Loaded): Promise<string> {
  if (row.peerId === null) throw new Error(`Agreement ${row.id} is settled with no other hub.`);
  return (await findPeer(ctx, row.peerId)).iri;
}
