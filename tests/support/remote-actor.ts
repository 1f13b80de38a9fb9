import { generateKeyPairSync, type KeyObject } from "node:crypto";

export type Json = Record<string, unknown>;

export const AS2 = "https://www.w3.org/ns/activitystreams";

export interface RemoteActor {
  name: string;
  iri: string;
  /** `@name@host:port` */
  handle: string;
  inbox: string;
  keyId: string;
  privateKey: KeyObject;
  publicKey: KeyObject;
  publicKeyPem: string;
  /** Ed25519, listed in `assertionMethod`. */
  proofKeyId: string;
  proofPrivateKey: KeyObject;
  /** What its address serves; change it to change the actor. */
  document: Json;
  followers: Set<string>;
  following: Set<string>;
}

export interface KeyPair {
  privateKey: KeyObject;
  publicKey: KeyObject;
}

/** RSA keys are slow to make: actors of servers that were closed leave theirs here. Two living actors never share one. */
const free: KeyPair[] = [];

/**
 * An actor of the remote server with its keys, complete enough for the strictest reader.
 *
 * @param shared a key pair that it has in common with others, for crowds
 */
export function makeActor(origin: string, name: string, shared?: KeyPair): RemoteActor {
  const iri = `${origin}/actors/${name}`;
  const host = new URL(origin).host;
  const rsa = shared ?? free.pop() ?? generateKeyPairSync("rsa", { modulusLength: 2048 });
  const ed25519 = generateKeyPairSync("ed25519");
  const publicKeyPem = rsa.publicKey.export({ type: "spki", format: "pem" }).toString();
  const proofKeyId = `${iri}#ed25519-key`;
  return {
    name,
    iri,
    handle: `@${name}@${host}`,
    inbox: `${iri}/inbox`,
    keyId: `${iri}#main-key`,
    privateKey: rsa.privateKey,
    publicKey: rsa.publicKey,
    publicKeyPem,
    proofKeyId,
    proofPrivateKey: ed25519.privateKey,
    followers: new Set(),
    following: new Set(),
    document: {
      "@context": [AS2, "https://w3id.org/security/v1", "https://w3id.org/security/multikey/v1"],
      id: iri,
      type: name === "instance" ? "Application" : "Person",
      preferredUsername: name,
      name: name.toUpperCase(),
      inbox: `${iri}/inbox`,
      outbox: `${iri}/outbox`,
      followers: `${iri}/followers`,
      following: `${iri}/following`,
      endpoints: { sharedInbox: `${origin}/inbox` },
      url: `${origin}/@${name}`,
      publicKey: { id: `${iri}#main-key`, owner: iri, publicKeyPem },
      assertionMethod: [
        {
          id: proofKeyId,
          type: "Multikey",
          controller: iri,
          publicKeyMultibase: multikey(ed25519.publicKey),
        },
      ],
    },
  };
}

/** Gives an actor's keys to actors to come. */
export function retireActor({ privateKey, publicKey }: RemoteActor): void {
  free.push({ privateKey, publicKey });
}

/** An Ed25519 key as Multikey (FEP-521a). */
function multikey(publicKey: KeyObject): string {
  const raw = Buffer.from(publicKey.export({ format: "jwk" }).x!, "base64url");
  return `z${base58(Buffer.concat([Buffer.from([0xed, 0x01]), raw]))}`;
}

function base58(bytes: Buffer): string {
  const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
  let text = "";
  for (let n = BigInt(`0x${bytes.toString("hex")}`); n > 0n; n /= 58n)
    text = alphabet[Number(n % 58n)] + text;
  return text;
}
