import { onKnown, onPage, onPull, onResync, onResynced } from "./handshake-rules.ts";
import { isSame, type Link, type Outcome, PAGE, type Pen, type Rows, unchanged } from "./link-rules.ts";
import { belongs, type Message, type Session } from "./messages-rules.ts";
import {
  onAbort,
  onCheckpoint,
  onEntry,
  onPromise,
  onQuery,
  onRefuse,
  onRelease,
  onReserve,
} from "./transfer-rules.ts";

/**
 * What has to be read before `receive` can be asked about a message. Beside that: of a page that is pulled, its entries' transfers, and
 * of an abort, the entry that its transfer became.
 */
export function wants(
  message: Message,
  link: Pick<Link, "in" | "resync">,
): { transfers: string[]; sent: bigint[]; received: bigint[]; open: boolean } {
  const none = { transfers: [], sent: [], received: [], open: false };
  switch (message.type) {
    case "reserve":
      return { ...none, transfers: [message.request.terms.iri] };
    case "promise":
      return { ...none, transfers: [message.promise.transfer] };
    case "refuse":
    case "abort":
    case "release":
    case "query":
      return { ...none, transfers: [message.transfer] };
    case "entry":
      return {
        ...none,
        transfers: [message.entry.transfer],
        received: [message.entry.seq, link.in.seq],
      };
    case "checkpoint":
      return { ...none, sent: [message.checkpoint.seq] };
    case "pull":
      return { ...none, ...pageWants(message.log, message.after) };
    case "page":
      // When it is the last one, the rest of the handshake's answer counts.
      return {
        ...none,
        transfers: [
          ...message.entries.map(({ transfer }) => transfer),
          ...(link.resync?.open.map(({ transfer }) => transfer) ?? []),
          ...(link.resync?.prepared ?? []),
        ],
        received: [link.in.seq],
        open: true,
      };
    case "resync":
      return { transfers: message.open, sent: [message.in.seq], received: [message.out.seq], open: true };
    case "resynced":
      return {
        transfers: [
          ...message.states.map(({ transfer }) => transfer),
          ...message.open.map(({ transfer }) => transfer),
          ...message.prepared,
        ],
        sent: [message.in.seq],
        received: [message.out.seq],
        open: true,
      };
    case "known":
      return none;
  }
}

function pageWants(log: "yours" | "mine", after: bigint) {
  const seqs = Array.from({ length: PAGE }, (_, index) => after + 1n + BigInt(index));
  return log === "yours" ? { sent: seqs } : { received: seqs };
}

/**
 * What one message of the peer, proven to be its own, makes of clearing with it. Pure: the same message again, or an older one, changes
 * nothing; what cannot be is refused, ignored, or kept as evidence and ends in a freeze.
 *
 * @param session the sender's, as the message's envelope names it
 */
export function receive(link: Link, session: Session, message: Message, rows: Rows, pen: Pen): Outcome {
  if (link.state !== "active" && link.state !== "draining") return unchanged(link);
  if (!belongs(message, link.peer, pen.hub)) return unchanged(link);
  switch (message.type) {
    case "resync":
      return onResync(link, session, message, rows, pen);
    case "resynced":
      return onResynced(link, session, message, rows, pen);
    case "known":
      return onKnown(link, message, pen);
  }
  if (!isSame(session, link.peerSession)) {
    return session.epoch > link.peerSession.epoch
      ? unchanged(link)
      : {
          ...unchanged(link),
          replies: [{ type: "known", epoch: link.peerSession.epoch, nonce: session.nonce }],
        };
  }
  if (message.type === "page") return onPage(link, message, rows, pen);
  if (message.type === "pull" && message.nonce !== null) return onPull(link, message, rows);
  if (!link.ready) return unchanged(link);
  switch (message.type) {
    case "reserve":
      return onReserve(link, message.request, rows, pen);
    case "promise":
      return onPromise(link, message.promise, rows);
    case "refuse":
      return onRefuse(link, message, rows);
    case "entry":
      return onEntry(link, message.entry, rows, pen);
    case "checkpoint":
      return onCheckpoint(link, message.checkpoint, rows, pen);
    case "abort":
      return onAbort(link, message.transfer, rows);
    case "release":
      return onRelease(link, message.transfer, rows);
    case "query":
      return onQuery(link, message.transfer, rows);
    case "pull":
      return onPull(link, message, rows);
  }
}
