import { randomBytes } from "node:crypto";
import type { Pen } from "../../domain/clearing/link-rules.ts";
import type { SigningKey } from "../keyring.ts";
import { sign, toCheckpoint, toEntry, toPromise, toTransfer } from "./documents.ts";

/** What nobody can guess, for a session: 22 characters. */
export const nonce = () => randomBytes(16).toString("base64url");

/** Signs as this hub for one peer. @param hub, peer iris of the hub actors */
export function createPen(options: { hub: string; peer: string; key: SigningKey; now: () => Date }): Pen {
  const { hub, peer, key, now } = options;
  const parties = { writer: hub, reader: peer };
  return {
    hub,
    request: (terms) => ({ ...sign(toTransfer(terms, parties), key, now()), terms }),
    promise({ terms: { iri: transfer }, digest: request }) {
      return { ...sign(toPromise({ transfer, request }, parties), key, now()), transfer, request };
    },
    entry: (entry) => ({ ...entry, ...sign(toEntry(entry, parties), key, now()) }),
    checkpoint(head) {
      const { body } = sign(toCheckpoint(head, parties), key, now());
      return { ...parties, ...head, body };
    },
    nonce,
  };
}
