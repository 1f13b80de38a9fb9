import { createAccount } from "../../src/domain/accounts/commands.ts";
import type { Acting } from "../../src/domain/context.ts";
import { createOrganization } from "../../src/domain/organizations/commands.ts";
import { decideVerification, requestVerification } from "../../src/domain/organizations/verification.ts";
import { publishProposal } from "../../src/domain/proposals/commands.ts";
import type { ProposalInput } from "../../src/domain/proposals/rules.ts";
import { apiClient } from "./api-client.ts";
import { PASSWORD, startHub } from "./hub.ts";

export const OFFER: ProposalInput = {
  purpose: "offer",
  name: "Workshop",
  content: "A workshop on facilitation.",
  category: "training",
  unit: "hour",
  available: "1000",
  settlement: "credit",
  price: "1",
  online: true,
  language: "es",
};

export type ApiScene = Awaited<ReturnType<typeof apiScene>>;

/** A hub with two verified organizations that exchange by the JSON API. */
export async function apiScene() {
  const hub = await startHub();
  const currency = `${hub.origin}/currency`;
  const provider = await hub.organization("raices");
  const receiver = await hub.organization("puentes");
  for (const organization of [provider, receiver]) await verify(organization);
  const provides = await apiClient(hub, provider);
  const receives = await apiClient(hub, receiver);

  /** Gives an organization the credit line of a verified one. */
  async function verify(organization: Acting): Promise<void> {
    await requestVerification(hub.ctx, organization, { sizeClass: "S", statement: "Example." });
    const decision = { state: "verified", sizeClass: "S" } as const;
    await decideVerification(hub.ctx, hub.admin, organization.actorId, decision);
  }

  /** An organization with a representative of its own. */
  async function organizationOf(handle: string, person: string): Promise<Acting> {
    const who = { handle: person, email: `${person}@example.org`, password: PASSWORD, locale: "es" };
    const { accountId } = await createAccount(hub.ctx, who);
    return { accountId, actorId: await createOrganization(hub.ctx, accountId, { handle, name: handle }) };
  }

  const offer = (changes: Partial<ProposalInput> = {}) =>
    publishProposal(hub.ctx, provider, { ...OFFER, ...changes });
  const answer = (proposal: bigint, changes = {}) => ({
    ...{ proposal: proposal.toString(), revision: 1, quantity: 2 },
    ...changes,
  });

  /** An agreement of the two, in one of its first states. */
  async function agreement(state: "offered" | "funded" | "delivered" = "offered"): Promise<string> {
    const { id } = (await receives.post("/agreements", answer(await offer()))).body;
    if (state !== "offered") await provides.post(`/agreements/${id}/accept`);
    if (state === "delivered") await provides.post(`/agreements/${id}/deliver`);
    return id;
  }

  const amount = (value: string) => ({ value, currency });
  return {
    ...{ hub, provider, receiver, provides, receives, currency },
    ...{ offer, answer, agreement, amount, organizationOf },
  };
}
