import { createHash, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import type { Db } from "../../src/db/client.ts";
import type { ConsentBundle } from "../../src/domain/agreements/bundle.ts";
import type { Signed, Statement } from "../../src/domain/agreements/consents.ts";
import { createConsents } from "../../src/federation/consents.ts";
import { encodeMultikey } from "../../src/federation/proofs.ts";

const NOUR = "https://mena.example/actors/1";
const RAICES = "https://lac.example/actors/2";
const AGREEMENT = "https://mena.example/agreements/20";

/** Keys of two organizations, and of somebody else. */
const keys = Object.fromEntries(
  [NOUR, RAICES, "https://other.example/actors/3"].map((iri) => [
    iri,
    generateKeyPairSync("ed25519").privateKey,
  ]),
);

export interface Said {
  type: Statement["type"];
  party: "provider" | "receiver";
  quantity?: number;
  note?: string;
  /** Whose key signs it, when not its own. */
  key?: string;
  /** What is changed of the statement. */
  change?: Partial<Statement>;
}

/** An exchange that went well, after other terms had been asked for. */
export const HISTORY: readonly Said[] = [
  { type: "offer", party: "receiver", quantity: 5, note: '¿Se puede en «marzo»?\n🌱 <b>"sí"</b> \\ مرحبا' },
  { type: "counter", party: "provider", quantity: 3 },
  { type: "accept", party: "receiver", quantity: 3 },
  { type: "deliver", party: "provider", quantity: 3 },
  { type: "confirm", party: "receiver", quantity: 2, note: "Faltó una hora" },
];

/** The bundle of what was said, signed one after the other as the hubs sign it. */
export async function bundleOf(history: readonly Said[] = HISTORY): Promise<ConsentBundle> {
  const parties = { provider: NOUR, receiver: RAICES };
  const bundle: ConsentBundle = {
    type: "AyniAgreementConsents",
    agreement: AGREEMENT,
    parties,
    consents: [],
    keys: [],
  };
  let [offer, accept]: (Statement["offer"] | null)[] = [null, null];
  let offeredBy: Said["party"] = "receiver";
  let quantity = 1;
  for (const [index, said] of history.entries()) {
    const { type, party, note = null, change = {} } = said;
    const offers = type === "offer" || type === "counter";
    if (offers) [offeredBy, quantity] = [party, said.quantity ?? 1];
    const actor = parties[party];
    const statement: Statement = {
      ...{ type, party, note, actor, id: BigInt(100 + index), offer: offer ?? null, accept: accept ?? null },
      to: parties[party === "provider" ? "receiver" : "provider"],
      agreement: {
        ...{ iri: AGREEMENT, proposal: "https://mena.example/proposals/10", purpose: "offer", revision: 1 },
        ...{ proposer: "provider", offeredBy, unit: "hour", scale: 2 },
        ...{ reciprocal: null, quote: null, transfer: null },
        ...{ quote: null, transfer: null },
        terms: { quantity, amount: null, due: new Date("2026-03-31T23:59:59.999Z") },
      },
      until: offers ? new Date("2026-02-01T00:00:00Z") : null,
      ...{ amount: null, quantity: said.quantity ?? null, resolution: null, ...change },
    };
    const signed = await sign(statement, said.key ?? actor);
    if (offers) offer = signed;
    if (type === "accept") accept = signed;
    const sha256 = createHash("sha256").update(signed.body).digest("hex");
    const { activity, body, digest } = signed;
    bundle.consents.push({ message: type, party, activity, digest, sha256, body, proof: "ours" });
    const id = `${actor}#ed25519-key`;
    if (!bundle.keys.some((known) => known.id === id))
      bundle.keys.push({
        owner: actor,
        id,
        publicKeyMultibase: encodeMultikey(createPublicKey(keys[actor]!)),
      });
  }
  return bundle;
}

async function sign(statement: Statement, signer: string): Promise<Signed> {
  const key: { id: string; privateKey: KeyObject } = {
    id: `${statement.actor}#ed25519-key`,
    privateKey: keys[signer]!,
  };
  const { origin } = new URL(statement.actor);
  const consents = createConsents(origin, { ed25519: () => Promise.resolve(key) });
  return (await consents.signer({} as Db, 0n))(statement, new Date("2026-01-15T10:00:00Z"));
}
