import { and, asc, desc, eq, isNull, lt, ne, sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { actors } from "../../db/schema/actors.ts";
import { vouches } from "../../db/schema/ledger.ts";
import { type SizeClass, type VerificationState, verifications } from "../../db/schema/organizations.ts";
import { requireRole } from "../accounts/queries.ts";
import { type ActorView, actorColumns, toActorView } from "../actors/queries.ts";
import type { Acting, Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { lockAccount, organizationAccount, setLimits } from "../ledger/accounts.ts";
import { currentPolicy } from "../ledger/policy.ts";
import { creditLine, NO_LINE } from "../ledger/rules.ts";
import { notify, notifyStaff } from "../notices/commands.ts";
import { type Page, toPage } from "../page.ts";
import { transact } from "../transact.ts";
import { optionalText, requiredText } from "../validate.ts";
import { requireDisinterested } from "./interest.ts";
import { DECIDABLE, type Decision, floorFor, NOTE_MAX, STATEMENT_MAX } from "./rules.ts";

/** What is known of an organization's verification. Statement and note are for itself and for curators. */
export interface Verification {
  state: VerificationState;
  sizeClass: SizeClass;
  statement: string;
  note: string | null;
  requested: Date;
  decided: Date | null;
}

/**
 * An organization asks to be verified: says how large its budget is, and how one can know that it is what it says. Asking again
 * before there is a decision changes what was said.
 *
 * @throws DomainError organization_needed, already_verified, required, too_long
 */
export async function requestVerification(
  ctx: Ctx,
  acting: Acting,
  input: { sizeClass: SizeClass; statement: string },
): Promise<void> {
  const { sizeClass } = input;
  const statement = requiredText("statement", input.statement, STATEMENT_MAX);
  await transact(ctx, async (ctx) => {
    const { name } = await actingOrganization(ctx, acting);
    const now = ctx.clock.now();
    const known = await lockedVerification(ctx, acting.actorId);
    if (known?.state === "verified")
      throw new DomainError("already_verified", "the organization is verified already");
    const changed = await ctx.db
      .insert(verifications)
      .values({ organizationId: acting.actorId, state: "requested", sizeClass, statement, requested: now })
      .onConflictDoUpdate({
        target: verifications.organizationId,
        set: { state: "requested", sizeClass, statement, requested: now, note: null },
        // Two browsers may have sent the form while a curator decided.
        setWhere: ne(verifications.state, "verified"),
      })
      .returning({ id: verifications.organizationId });
    if (changed.length > 0 && known?.state !== "requested")
      await notifyStaff(ctx, "curator", "verification_requested", `/admin/verifications/${acting.actorId}`, {
        actor: name,
      });
  });
}

/**
 * A curator decides. Verified organizations get the credit line of their size class by the hub's policy; those whose verification is
 * revoked lose it, as far as it is not in use, and what others pledge for them stays.
 *
 * @returns whether the credit line had to stay longer than it should be, because it is in use
 * @throws DomainError forbidden, own_organization, not_found (the organization never asked), conflict (already decided otherwise), required, too_long
 */
export async function decideVerification(
  ctx: Ctx,
  acting: Acting,
  organizationId: Id,
  input: { state: Decision; sizeClass: SizeClass; note?: string | undefined },
): Promise<{ inUse: boolean }> {
  await requireRole(ctx, acting.accountId, "curator");
  const { state, sizeClass } = input;
  const note =
    state === "verified"
      ? optionalText("note", input.note, NOTE_MAX)
      : requiredText("note", input.note ?? "", NOTE_MAX);
  return transact(ctx, async (ctx) => {
    const known = await lockedVerification(ctx, organizationId);
    if (known === null) throw new DomainError("not_found", "this organization did not ask");
    await requireDisinterested(ctx, acting.accountId, organizationId);
    if (!DECIDABLE[known.state].includes(state))
      throw new DomainError("conflict", `it is ${known.state} and cannot be ${state}`);
    await ctx.db
      .update(verifications)
      .set({ state, sizeClass, note, decided: ctx.clock.now(), decidedBy: acting.accountId })
      .where(eq(verifications.organizationId, organizationId));
    const inUse = state === "refused" ? false : await setLine(ctx, acting, organizationId, state, sizeClass);
    await notify(ctx, organizationId, "verification_decided", "/settings/verification", {});
    return { inUse };
  });
}

/** Sets the limits that follow from a decision. @returns whether the line stays longer, because it is in use */
async function setLine(
  ctx: Ctx,
  { accountId }: Acting,
  organizationId: Id,
  state: "verified" | "revoked",
  sizeClass: SizeClass,
): Promise<boolean> {
  const limits = state === "verified" ? creditLine(await currentPolicy(ctx), sizeClass) : NO_LINE;
  const account = await lockAccount(ctx, await organizationAccount(ctx, organizationId));
  // Read under the account's lock, which whoever vouches holds as well.
  const [lent] = await ctx.db
    .select({
      given: sql<string>`coalesce(sum(${vouches.amount}) filter (where ${vouches.voucherId} = ${organizationId}), 0)`,
      received: sql<string>`coalesce(sum(${vouches.amount}) filter (where ${vouches.vouchedId} = ${organizationId}), 0)`,
    })
    .from(vouches)
    .where(
      and(
        isNull(vouches.released),
        sql`(${vouches.voucherId} = ${organizationId} or ${vouches.vouchedId} = ${organizationId})`,
      ),
    );
  const lentAmounts = { given: BigInt(lent?.given ?? 0), received: BigInt(lent?.received ?? 0) };
  const { minimum, inUse } = floorFor(-limits.minimum, lentAmounts, account);
  // What is in use beyond the line it begins with has grown already.
  const beyond = floorFor(-limits.minimum, lentAmounts, { posted: 0n, held: 0n }).minimum - minimum;
  const growth = limits.growth > beyond ? limits.growth - beyond : 0n;
  const maximum = limits.maximum ?? account.maximum;
  await setLimits(ctx, organizationId, { minimum, growth, maximum }, state, accountId);
  return inUse;
}

/** Has this hub verified the organization? `lock`: and it stays so until the caller's transaction ends. */
export async function isVerified(ctx: Ctx, organizationId: Id, { lock = false } = {}): Promise<boolean> {
  const query = ctx.db
    .select({ state: verifications.state })
    .from(verifications)
    .where(eq(verifications.organizationId, organizationId));
  const [row] = await (lock ? query.for("share") : query);
  return row?.state === "verified";
}

/** Null: it never asked. */
export async function verificationOf(ctx: Ctx, organizationId: Id): Promise<Verification | null> {
  const [row] = await ctx.db
    .select(columns)
    .from(verifications)
    .where(eq(verifications.organizationId, organizationId));
  return row ?? null;
}

export interface VerificationView extends Verification {
  organization: ActorView;
}

/** What waits for a curator, the longest waiting first; at most 100. */
export async function verificationQueue(ctx: Ctx): Promise<VerificationView[]> {
  const rows = await ctx.db
    .select({ ...columns, organization: actorColumns })
    .from(verifications)
    .innerJoin(actors, eq(actors.id, verifications.organizationId))
    .where(and(eq(verifications.state, "requested"), isNull(actors.deleted)))
    .orderBy(asc(verifications.requested), asc(verifications.organizationId))
    .limit(100);
  return rows.map((row) => ({ ...row, organization: toActorView(row.organization) }));
}

/** Organizations that curators have decided about, the newest organization first. */
export async function decidedVerifications(
  ctx: Ctx,
  before: Id | null,
  limit = 40,
): Promise<Page<VerificationView>> {
  const rows = await ctx.db
    .select({ ...columns, organization: actorColumns })
    .from(verifications)
    .innerJoin(actors, eq(actors.id, verifications.organizationId))
    .where(
      and(
        ne(verifications.state, "requested"),
        isNull(actors.deleted),
        before === null ? undefined : lt(verifications.organizationId, before),
      ),
    )
    .orderBy(desc(verifications.organizationId))
    .limit(limit + 1);
  return toPage(
    rows.map((row) => ({ ...row, organization: toActorView(row.organization) })),
    limit,
    (row) => row.organization.id,
  );
}

/** The one who acts, as an organization of this hub. @throws DomainError organization_needed */
export async function actingOrganization(ctx: Ctx, { actorId }: Acting): Promise<{ name: string }> {
  const [row] = await ctx.db
    .select({ name: actors.name })
    .from(actors)
    .where(
      and(
        eq(actors.id, actorId),
        eq(actors.kind, "Organization"),
        isNull(actors.host),
        isNull(actors.deleted),
      ),
    );
  if (row === undefined) throw new DomainError("organization_needed", "only organizations of this hub can");
  return row;
}

const columns = {
  state: verifications.state,
  sizeClass: verifications.sizeClass,
  statement: verifications.statement,
  note: verifications.note,
  requested: verifications.requested,
  decided: verifications.decided,
};

async function lockedVerification(ctx: Ctx, organizationId: Id) {
  const [row] = await ctx.db
    .select({ state: verifications.state })
    .from(verifications)
    .where(eq(verifications.organizationId, organizationId))
    .for("update");
  return row ?? null;
}
