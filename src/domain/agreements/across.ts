import { sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { verifications } from "../../db/schema/organizations.ts";
import { actorById } from "../actors/queries.ts";
import { reserveAcross } from "../clearing/orders.ts";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { localHub } from "../hubs/queries.ts";
import { fundAccount, organizationAccount } from "../ledger/accounts.ts";
import type { Pinned } from "./quote-rules.ts";

/** What is held for a party of another hub. */
export interface Holding {
  peerId: Id;
  agreementId: Id;
  /** Its iri so far. */
  agreement: string;
  provider: { iri: string };
  receiver: { id: Id; iri: string };
  quote: Pinned;
  /** The fund pays in the receiver's place. */
  voucherId: Id | null;
  accountId: Id | null;
}

/**
 * Holds the payer's side of a quote for an organization of a peer, in the caller's transaction. With a voucher the hub's own fund pays,
 * and for it the hub's actor is the payer.
 *
 * @throws DomainError not_proven, and as `reserveAcross`
 */
export async function holdAcross(ctx: Ctx, holding: Holding): Promise<{ transferId: Id; iri: string }> {
  const { peerId, agreementId, agreement, provider, receiver, quote, voucherId, accountId } = holding;
  if (voucherId === null) await requireProven(ctx, receiver.id);
  const [payerId, payer] =
    voucherId === null
      ? [await organizationAccount(ctx, receiver.id), receiver.iri]
      : [await fundAccount(ctx), await hubIri(ctx)];
  return reserveAcross(ctx, {
    ...{ peerId, payerId, payer, payee: provider.iri, agreementId, agreement, quote, accountId },
  });
}

async function hubIri(ctx: Ctx): Promise<string> {
  return (await actorById(ctx, (await localHub(ctx)).actorId)).iri;
}

/** So many vouches stand in for a first exchange. */
const VOUCHES = 2;

/**
 * An organization pays at another hub only when somebody knows it here: it was verified, and it has completed an exchange, or others
 * vouch for it. Who makes up organizations cannot spend what it lends them elsewhere.
 *
 * @throws DomainError not_proven
 */
async function requireProven(ctx: Ctx, organizationId: Id): Promise<void> {
  const [known] = await ctx.db
    .select({
      exchanges: sql<boolean>`exists (select from agreements where state = 'settled'
        and (provider_id = ${organizationId}::bigint or receiver_id = ${organizationId}::bigint))`,
      vouches: sql<number>`(select count(*)::int from vouches where vouched_id = ${organizationId}::bigint and released is null)`,
    })
    .from(verifications)
    .where(
      sql`${verifications.organizationId} = ${organizationId}::bigint and ${verifications.state} = 'verified'`,
    );
  if (known === undefined || (!known.exchanges && known.vouches < VOUCHES))
    throw new DomainError("not_proven", "not known well enough yet to pay at another hub");
}
