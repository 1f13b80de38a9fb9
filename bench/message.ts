import { createHash, type KeyObject, sign } from "node:crypto";

/** An actor of an invented server, who sends. */
export interface Sender {
  iri: string;
  privateKey: KeyObject;
}

const CONTEXT = [
  "https://www.w3.org/ns/activitystreams",
  {
    ostatus: "http://ostatus.org#",
    atomUri: "ostatus:atomUri",
    inReplyToAtomUri: "ostatus:inReplyToAtomUri",
    conversation: "ostatus:conversation",
    sensitive: "as:sensitive",
    toot: "http://joinmastodon.org/ns#",
    votersCount: "toot:votersCount",
    Hashtag: "as:Hashtag",
    quote: "https://w3id.org/fep/044f#quote",
    quoteUri: "http://fedibird.com/ns#quoteUri",
    _misskey_quote: "https://misskey-hub.net/ns#_misskey_quote",
    quoteAuthorization: { "@id": "https://w3id.org/fep/044f#quoteAuthorization", "@type": "@id" },
    gts: "https://gotosocial.org/ns#",
    interactionPolicy: { "@id": "gts:interactionPolicy", "@type": "@id" },
    canQuote: { "@id": "gts:canQuote", "@type": "@id" },
    automaticApproval: { "@id": "gts:automaticApproval", "@type": "@id" },
    manualApproval: { "@id": "gts:manualApproval", "@type": "@id" },
  },
];
const PUBLIC = "https://www.w3.org/ns/activitystreams#Public";
const TEXT =
  '<p>Invented for a benchmark: a post of the length that many have, with <a href="https://example.org/calls/2026" rel="nofollow noopener" target="_blank"><span class="invisible">https://</span><span class="">example.org/calls/2026</span></a> in it and a <a href="https://sender.invalid/tags/benchmark" class="mention hashtag" rel="tag">#<span>benchmark</span></a>.</p>';

/** A `Create` of a `Note` as Mastodon sends it, of some 2.5 kB. `name` makes its ids different from all others. */
export function createNote(sender: string, name: string, published: Date): string {
  const { origin } = new URL(sender);
  const id = `${sender}/statuses/${name}`;
  const addressed = { to: [PUBLIC], cc: [`${sender}/followers`] };
  return JSON.stringify({
    "@context": CONTEXT,
    id: `${id}/activity`,
    type: "Create",
    actor: sender,
    published: published.toISOString(),
    ...addressed,
    object: {
      id,
      type: "Note",
      summary: null,
      inReplyTo: null,
      published: published.toISOString(),
      url: `${origin}/@sender/${name}`,
      attributedTo: sender,
      ...addressed,
      sensitive: false,
      atomUri: id,
      inReplyToAtomUri: null,
      conversation: `tag:sender.invalid,2026-01-01:objectId=${name}:objectType=Conversation`,
      context: `${origin}/contexts/${name}`,
      content: TEXT,
      contentMap: { en: TEXT },
      interactionPolicy: { canQuote: { automaticApproval: [PUBLIC] } },
      attachment: [],
      tag: [{ type: "Hashtag", href: `${origin}/tags/benchmark`, name: "#benchmark" }],
      replies: {
        id: `${id}/replies`,
        type: "Collection",
        first: {
          type: "CollectionPage",
          next: `${id}/replies?only_other_accounts=true&page=true`,
          partOf: `${id}/replies`,
          items: [],
        },
      },
      likes: { id: `${id}/likes`, type: "Collection", totalItems: 0 },
      shares: { id: `${id}/shares`, type: "Collection", totalItems: 0 },
    },
  });
}

/** The bytes of a delivery, signed by draft-cavage-http-signatures-12 as Mastodon signs. */
export function signedPost(host: string, path: string, body: string, sender: Sender, now: Date): Buffer {
  const date = now.toUTCString();
  const digest = `SHA-256=${createHash("sha256").update(body).digest("base64")}`;
  const type = "application/activity+json";
  const base = `(request-target): post ${path}\nhost: ${host}\ndate: ${date}\ndigest: ${digest}\ncontent-type: ${type}`;
  const signature = sign("sha256", Buffer.from(base), sender.privateKey).toString("base64");
  return Buffer.from(
    [
      `POST ${path} HTTP/1.1`,
      `Host: ${host}`,
      "User-Agent: Invented/1.0 (benchmark)",
      `Date: ${date}`,
      `Digest: ${digest}`,
      `Content-Type: ${type}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      `Signature: keyId="${sender.iri}#main-key",algorithm="rsa-sha256",headers="(request-target) host date digest content-type",signature="${signature}"`,
      "",
      body,
    ].join("\r\n"),
  );
}
