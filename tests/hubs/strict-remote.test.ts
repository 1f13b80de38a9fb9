import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { requestFollow, undoFollow } from "../../src/domain/follows/commands.ts";
import { deletePost, publishPost } from "../../src/domain/posts/commands.ts";
import { publishProposal } from "../../src/domain/proposals/commands.ts";
import { type Organization, settle, startHub, type TestHub } from "../support/hub.ts";
import { proofObjection } from "../support/remote-proofs.ts";
import { type Json, PUBLIC, type Received, type Remote, startRemote } from "../support/remote-server.ts";

const OFFER = {
  purpose: "offer",
  name: "Taller de seguridad digital",
  content: "Dos horas, en línea.",
  category: "training",
  unit: "hour",
  available: "20",
  minimum: "2",
  settlement: "credit",
  price: "7,50",
  online: true,
  language: "es",
} as const;
const FEP_0837 = {
  vf: "https://w3id.org/valueflows/ont/vf#",
  om2: "http://www.ontology-of-units-of-measure.org/resource/om-2/",
  Proposal: "vf:Proposal",
  Intent: "vf:Intent",
  purpose: "vf:purpose",
  publishes: "vf:publishes",
  reciprocal: "vf:reciprocal",
  unitBased: "vf:unitBased",
  action: "vf:action",
  resourceConformsTo: { "@id": "vf:resourceConformsTo", "@type": "@id" },
  resourceQuantity: "vf:resourceQuantity",
  availableQuantity: "vf:availableQuantity",
  minimumQuantity: "vf:minimumQuantity",
  hasUnit: "om2:hasUnit",
  hasNumericalValue: "om2:hasNumericalValue",
};

/** Servers in secure mode: who understands one kind of signature only, and who understands both. */
const schemes = ["cavage", "rfc9421", "both"] as const;
const remotes: Record<string, Remote> = {};
let hub: TestHub;
let nour: Organization;

beforeAll(async () => {
  for (const scheme of schemes)
    remotes[scheme] = await startRemote({ scheme, secure: true, strict: true, accepts: true });
  hub = await startHub({ allow: Object.values(remotes).map(({ host }) => host) });
  nour = await hub.organization("nour");
});
afterAll(() => Promise.all(Object.values(remotes).map((remote) => remote.close())));

describe.each(schemes)("a server of other make that demands signed fetches, signatures: %s", (scheme) => {
  let remote: Remote;
  let actor: Json;

  beforeAll(async () => {
    remote = remotes[scheme]!;
    const found = JSON.parse(
      (await remote.fetch(`${hub.origin}/.well-known/webfinger?resource=acct:nour@${hub.host}`)).body,
    ) as { subject: string; links: Json[] };
    expect(found.subject).toBe(`acct:nour@${hub.host}`);
    const self = found.links.filter(
      ({ rel, type }) => rel === "self" && type === "application/activity+json",
    );
    expect(self).toHaveLength(1);
    actor = JSON.parse((await remote.fetch(String(self[0]?.href), { signed: "alice" })).body) as Json;
  });

  /** What arrived with this text in its bytes. */
  function arrival(type: string, text: string): Promise<Received> {
    return remote.waitFor(({ raw, activity }) => activity.type === type && raw.includes(text));
  }

  /** Everything that the strictest reader would object to, but one knock with the signature that it does not know. */
  function objections(): string[] {
    return remote.problems.filter((problem) => !problem.endsWith("is not understood here"));
  }

  test("finds an organization by WebFinger, follows it, and is accepted in its own words", async () => {
    expect(actor.id).toBe(nour.iri);
    const follow = await remote.follow("alice", String(actor.id));
    const { activity, headers } = await arrival("Accept", String(follow.id));
    const { "@context": _, ...same } = follow;
    expect(activity).toMatchObject({ actor: nour.iri, object: same, to: [follow.actor] });
    expect(proofObjection(activity, actor)).toBeNull();
    expect("signature-input" in headers).toBe(scheme === "rfc9421");
    expect(objections()).toEqual([]);
    // The hub notes which signature was taken; until then it may knock with the other one again.
    await settle(hub);
  });

  test("receives a post, byte for byte as it was proven", async () => {
    const content = `Convocatoria ${scheme} «مرحبا» 🌱: https://example.org/?a=1&b=2`;
    const postId = await publishPost(hub.ctx, nour, { content, visibility: "public", language: "es" });
    const { activity, raw, path } = await arrival("Create", `Convocatoria ${scheme}`);
    expect(path).toBe("/inbox");
    expect(proofObjection(activity, actor)).toBeNull();
    const [stored] = await hub.database
      .sql`select body from activities where body like ${`%Convocatoria ${scheme}%`}`;
    expect(raw.toString()).toBe(stored?.body);
    expect(activity).toMatchObject({
      id: expect.stringContaining(`${hub.origin}/activities/`),
      actor: nour.iri,
      to: [PUBLIC],
      cc: [actor.followers],
      object: {
        id: `${hub.origin}/posts/${postId}`,
        type: "Note",
        attributedTo: nour.iri,
        to: [PUBLIC],
        cc: [actor.followers],
        tag: [],
        attachment: [],
      },
    });
    // On a Note a summary is a warning that hides the text.
    expect(activity.object).not.toHaveProperty("summary");
    expect(objections()).toEqual([]);
  });

  test("receives an offer as FEP-0837 has it, and after it the Note that stands for it", async () => {
    const name = `${OFFER.name} ${scheme}`;
    const proposalId = await publishProposal(hub.ctx, nour, { ...OFFER, name });
    const iri = `${hub.origin}/proposals/${proposalId}`;
    const offer = await remote.waitFor(({ activity }) => (activity.object as Json)?.id === iri);
    const note = await remote.waitFor(({ activity }) => (activity.object as Json)?.context === iri);
    expect(remote.received.indexOf(offer)).toBeLessThan(remote.received.indexOf(note));
    expect(proofObjection(offer.activity, actor)).toBeNull();
    expect(proofObjection(note.activity, actor)).toBeNull();

    const contexts = offer.activity["@context"] as unknown[];
    expect(contexts.slice(0, 2)).toEqual([
      "https://www.w3.org/ns/activitystreams",
      "https://w3id.org/security/data-integrity/v2",
    ]);
    expect(contexts[2]).toMatchObject(FEP_0837);
    expect(offer.activity.object).toMatchObject({
      type: "Proposal",
      purpose: "offer",
      attributedTo: nour.iri,
      name,
      nameMap: { es: name },
      published: expect.any(String),
      location: [{ type: "Place", name: "online" }],
      publishes: {
        id: `${iri}#primary`,
        type: "Intent",
        action: "deliverService",
        resourceConformsTo: `${hub.origin}/categories/training`,
        resourceQuantity: { hasUnit: "hour", hasNumericalValue: "1" },
        availableQuantity: { hasUnit: "hour", hasNumericalValue: "20" },
        minimumQuantity: { hasUnit: "hour", hasNumericalValue: "2" },
      },
      reciprocal: {
        id: `${iri}#reciprocal`,
        type: "Intent",
        action: "transfer",
        resourceConformsTo: `${hub.origin}/currency`,
        resourceQuantity: { hasUnit: "one", hasNumericalValue: "7.5" },
      },
      unitBased: true,
      "ayni:settlement": "credit",
      to: [PUBLIC],
      cc: [actor.followers],
    });
    expect(note.activity.object).toMatchObject({
      type: "Note",
      attributedTo: nour.iri,
      context: iri,
      content: expect.stringContaining(name),
      to: [PUBLIC],
      cc: [actor.followers],
      attachment: [
        {
          type: "Link",
          href: iri,
          rel: ["payment", "https://w3id.org/valueflows/ont/vf#Proposal"],
          mediaType: 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"',
        },
      ],
    });
    expect(objections()).toEqual([]);
  });

  test("reads by signed fetches what it was sent, as it was sent", async () => {
    const { activity } = await arrival("Create", `Convocatoria ${scheme}`);
    const again = await remote.fetch(String(activity.id), { signed: "alice" });
    expect(JSON.parse(again.body)).toEqual(activity);
    const { proof: _, ...note } = activity.object as Json;
    const object = JSON.parse((await remote.fetch(String(note.id), { signed: "alice" })).body) as Json;
    expect(object).toMatchObject(note);
  });

  test("is told what was deleted", async () => {
    const content = `Errata ${scheme}`;
    const postId = await publishPost(hub.ctx, nour, { content, visibility: "public", language: "es" });
    await arrival("Create", content);
    await deletePost(hub.ctx, nour, postId);
    const iri = `${hub.origin}/posts/${postId}`;
    const { activity } = await arrival("Delete", iri);
    expect(activity).toMatchObject({
      actor: nour.iri,
      object: { id: iri, type: "Tombstone", formerType: "Note" },
      to: [PUBLIC],
    });
    expect(proofObjection(activity, actor)).toBeNull();
  });

  test("is followed by an organization here, with signatures that it accepts", async () => {
    const { handle, iri } = remote.actor("alice");
    const followedId = await hub.ctx.remote.resolveActor(handle);
    await requestFollow(hub.ctx, { followerId: nour.actorId, followedId });
    const { activity, path } = await arrival("Follow", iri);
    expect(path).toBe("/inbox");
    expect(activity).toMatchObject({ actor: nour.iri, object: iri, to: [iri] });
    expect(proofObjection(activity, actor)).toBeNull();
    await settle(hub);
    const state = () =>
      hub.database
        .sql`select state from follows where follower_id = ${String(nour.actorId)} and followed_id = ${String(followedId)}`;
    expect(await state()).toEqual([{ state: "accepted" }]);

    await undoFollow(hub.ctx, { followerId: nour.actorId, followedId });
    const undo = await arrival("Undo", String(activity.id));
    expect(undo.activity.object).toEqual({ id: activity.id, type: "Follow", actor: nour.iri, object: iri });
    expect(objections()).toEqual([]);
  });

  test("is knocked at with the other signature at most once for each kind of request", async () => {
    await settle(hub);
    const knocks = remote.problems.filter((problem) => problem.endsWith("is not understood here"));
    const deliveries = knocks.filter((knock) => knock.startsWith("POST"));
    expect(deliveries.length).toBeLessThanOrEqual(scheme === "rfc9421" ? 1 : 0);
  });
});
