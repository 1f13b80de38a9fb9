import type { Id } from "../../src/db/ids.ts";
import {
  acceptAgreement,
  deliverAgreement,
  offerAgreement,
  writeMessage,
} from "../../src/domain/agreements/commands.ts";
import { setLimits } from "../../src/domain/ledger/accounts.ts";
import { publishProposal } from "../../src/domain/proposals/commands.ts";
import { transact } from "../../src/domain/transact.ts";
import type { Organization, TestHub } from "./hub.ts";

/**
 * Another organization answers this one's offer, which takes a gift of that one.
 *
 * @returns the pages on which it is seen and done; the two agreements last
 */
export async function agreed(hub: TestHub, organization: Organization, proposalId: Id): Promise<string[]> {
  const { ctx } = hub;
  const other = await hub.organization("valle");
  const limits = { minimum: -10_000n, growth: 0n, maximum: null };
  await transact(ctx, (ctx) => setLimits(ctx, other.actorId, limits, "a test", null));
  const answer = (who: Organization, proposalId: Id, quantity: number) =>
    offerAgreement(ctx, who, { proposalId, revision: 1, quantity, due: null, note: "Para el equipo" });
  const offered = await answer(other, proposalId, 2);
  const gift = await publishProposal(ctx, other, {
    purpose: "offer",
    name: "مثال على قاعة",
    content: "مثال",
    category: "spaces",
    unit: "one",
    settlement: "none",
    online: false,
    language: "ar",
  });
  const given = await answer(organization, gift, 3);
  await acceptAgreement(ctx, other, given);
  await deliverAgreement(ctx, other, given);
  await writeMessage(ctx, other, given, {
    content: "https://example.org/una/direccion/que/no/termina/nunca",
  });
  const of = (id: Id, ...pages: string[]) => pages.map((page) => `/agreements/${id}${page}`);
  return [
    ...["/agreements", "/agreements?group=ended", "/admin/disputes"],
    ...[`/agreements/new?proposal=${proposalId}`, `/agreements/new?proposal=${gift}`],
    ...of(offered, "/counter", "/reject"),
    ...of(given, "/confirm", "/dispute"),
    ...[...of(offered, ""), ...of(given, "")],
  ];
}
