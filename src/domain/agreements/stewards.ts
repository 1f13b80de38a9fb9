import { and, desc, eq, isNull } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { agreements, resolutions } from "../../db/schema/agreements.ts";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { localHub } from "../hubs/queries.ts";
import { currentPolicy } from "../ledger/policy.ts";
import { notifyStaff } from "../notices/commands.ts";
import type { Peer } from "../peers/queries.ts";
import { emit, transact } from "../transact.ts";
import { requiredText } from "../validate.ts";
import { takeStep } from "./apply.ts";
import type { Signed } from "./consents.ts";
import {
  idAfter,
  type Loaded,
  lockAgreement,
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
 * can sign it. It is carried out by the payer's hub.
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
  await transact(ctx, async (ctx) => {
    const between = await disputed(await lockAgreement(ctx, id));
    await requireSteward(ctx, accountId, between.loaded.row);
    const resolutionId = await keep(ctx, between, {
      ...{ accountId, payer: input.payer, note, theirs: false, iri: null, created: ctx.clock.now() },
    });
    await tellPeer(ctx, "resolution.proposed", resolutionId);
  });
}

/**
 * A steward of ours agrees to what one of the other hub proposed: both parties may sign it now.
 *
 * @throws DomainError not_found (as proposeBetween), not_now (there is a newer one, or it was agreed to)
 */
export async function agreeToResolution(ctx: Ctx, accountId: Id, id: Id, resolutionId: Id): Promise<void> {
  await transact(ctx, async (ctx) => {
    const { loaded } = await disputed(await lockAgreement(ctx, id));
    await requireSteward(ctx, accountId, loaded.row);
    const [theirs] = await ctx.db
      .select()
      .from(resolutions)
      .where(and(eq(resolutions.agreementId, id), eq(resolutions.theirs, true)))
      .orderBy(desc(resolutions.id))
      .limit(1);
    if (theirs === undefined || theirs.id !== resolutionId || theirs.agreed !== null)
      throw new DomainError("not_now", "there is another proposal by now");
    await agree(ctx, loaded, theirs, accountId);
    await tellPeer(ctx, "resolution.agreed", resolutionId);
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
export async function receiveResolution(ctx: Ctx, peer: Peer, said: RemoteResolution): Promise<void> {
  const loaded = await lockByIri(ctx, peer, said.agreement);
  const [known] = await ctx.db
    .select({ id: resolutions.id })
    .from(resolutions)
    .where(eq(resolutions.iri, said.iri));
  if (known !== undefined) return;
  // What its party said of it may come after what its hub says.
  const between = loaded.row.state === "delivered" ? pinnedIn(loaded) : await disputed(loaded);
  const created = said.proposed < ctx.clock.now() ? said.proposed : ctx.clock.now();
  const { iri, payer, note } = said;
  await keep(ctx, between, { ...{ accountId: null, payer, note, theirs: true, iri, created } });
  await notifyStaff(ctx, "curator", "resolution_asked", `/agreements/${loaded.row.id}`, {
    actor: peer.name,
    title: loaded.proposal.name,
  });
}

/** A steward of the other hub agrees to what one of ours proposed. In the caller's transaction. @throws DomainError not_found, not_now */
export async function receiveAgreed(
  ctx: Ctx,
  peer: Peer,
  { iri, payer }: { iri: string; payer: bigint },
): Promise<void> {
  const [found] = await ctx.db
    .select({ agreement: agreements.iri })
    .from(resolutions)
    .innerJoin(agreements, eq(agreements.id, resolutions.agreementId))
    .where(and(eq(resolutions.iri, iri), eq(resolutions.theirs, false)));
  if (found === undefined) throw new DomainError("not_found", "no such proposal");
  const { loaded } = await disputed(await lockByIri(ctx, peer, found.agreement));
  const [ours] = await ctx.db.select().from(resolutions).where(eq(resolutions.iri, iri));
  if (ours === undefined || ours.payer !== payer)
    throw new DomainError("not_found", "another amount was proposed");
  if (ours.agreed === null) await agree(ctx, loaded, ours, null);
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
  const { loaded } = await disputed(await lockAgreement(ctx, agreementId));
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
async function disputed(loaded: Loaded): Promise<Between> {
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

/** Writes a proposal down. @throws DomainError over_amount, nothing_arrives, too_many */
async function keep(
  ctx: Ctx,
  { loaded, pinned, side }: Between,
  said: Pick<Resolution, "accountId" | "note" | "theirs" | "iri" | "created"> & { payer: bigint },
): Promise<Id> {
  const { payer } = said;
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
  const id = await idAfter(ctx, newest?.id ?? null);
  const iri = said.iri ?? `${ctx.hub.origin}/resolutions/${id}`;
  await ctx.db
    .insert(resolutions)
    .values({ ...said, id, agreementId, iri, release: side === "payer" ? payer : payee });
  return id;
}

/** Stewards of both hubs stand behind it: the parties are told, and may sign. */
async function agree(ctx: Ctx, loaded: Loaded, resolution: Resolution, accountId: Id | null): Promise<void> {
  const policy = await currentPolicy(ctx);
  const now = ctx.clock.now();
  await ctx.db
    .update(resolutions)
    .set({ agreed: now, agreedBy: accountId })
    .where(and(eq(resolutions.id, resolution.id), isNull(resolutions.agreed)));
  const message: Message = { type: "propose", release: resolution.release };
  const outcome = step(toMachine(loaded, null), message, now, policy);
  const who: Who = { actorId: 0n, accountId: accountId ?? resolution.accountId };
  await takeStep(ctx, loaded, outcome, { message, who, note: resolution.note, sign: null });
}

async function tellPeer(
  ctx: Ctx,
  name: "resolution.proposed" | "resolution.agreed",
  resolutionId: Id,
): Promise<void> {
  const { actorId } = await localHub(ctx);
  await emit(ctx, { name, subject: actorId.toString(), resolutionId: resolutionId.toString() });
}
