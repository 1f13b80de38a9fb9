import type { Outgoing } from "./link-rules.ts";
import type { Kept } from "./load.ts";
import type { Message } from "./messages-rules.ts";
import type { Round } from "./round.ts";
import { question } from "./transfer-rules.ts";
import type { Wire } from "./wire.ts";

/** When something is said again, and how often it was said. */
export interface Asked {
  due: Date | null;
  attempts: number;
}

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const FIRST = 2 * SECOND;
const LONGEST = 30 * SECOND;
/** A promise may wait for weeks for good reasons, and its payer's hub tells of its end by itself: to ask is the last resort. */
const QUERY_AFTER = HOUR;
const QUERY_EVERY = 6 * HOUR;

/** How long is waited before something is said for the `attempts + 1`th time: 2 s, twice as long each time, 30 s at most. */
export function delay(attempts: number): number {
  const length = Math.min(LONGEST, FIRST * 2 ** Math.min(attempts, 10));
  return length * (0.75 + Math.random() / 2);
}

/**
 * What is to be said about transfers in this round, and when each of them is due next.
 *
 * @param due transfers whose time has come
 * @param speaks false: nothing can be asked now; what should be said is due at once
 * @param backlog older entries wait: new ones have to wait behind them
 * @returns `asked` names every changed transfer, and those that were due
 */
export function questions(
  round: Round,
  due: readonly string[],
  { now, wire, speaks, backlog }: { now: Date; wire: Wire; speaks: boolean; backlog: boolean },
): { messages: Message[]; asked: Map<string, Asked> } {
  const entries = new Map(round.newSent.map((entry) => [entry.transfer, entry]));
  const asked = new Map<string, Asked>();
  const said: { order: bigint; message: Message }[] = [];
  const later = (milliseconds: number) => new Date(now.getTime() + milliseconds);
  const candidates = new Set([...round.changed.keys(), ...(speaks ? due : [])]);
  for (const iri of candidates) {
    const changed = round.changed.has(iri);
    const kept = round.kept.get(iri);
    const attempts = changed ? 0 : (kept?.attempts ?? 0);
    const incoming = round.incoming.get(iri);
    const outgoing = round.outgoing.get(iri);
    if (incoming !== undefined) {
      const message = question({ incoming });
      const silent = message === null || changed;
      const wait = message === null ? null : later(changed ? QUERY_AFTER : QUERY_EVERY);
      asked.set(iri, { due: wait, attempts: silent ? 0 : attempts + 1 });
      if (!silent) said.push({ order: 0n, message });
      continue;
    }
    if (outgoing === undefined) continue;
    const message = isOver(round, outgoing) ? null : toAsk(outgoing, kept, entries, wire);
    if (message === null) {
      // Nothing new is begun while the peering drains; it may go on.
      const waits = outgoing.state === "reserved" && outgoing.request === null && kept?.due != null;
      asked.set(iri, { due: waits ? later(LONGEST) : null, attempts: 0 });
    } else if (!speaks || (backlog && changed && message.type === "entry")) {
      asked.set(iri, { due: now, attempts: 0 });
    } else {
      asked.set(iri, { due: later(delay(attempts)), attempts: attempts + 1 });
      said.push({ order: outgoing.seq ?? 0n, message });
    }
  }
  // Entries in the order of their log: ahead of their turn they would not be taken.
  said.sort((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : 0));
  return { messages: said.map(({ message }) => message), asked };
}

/** The peer knows already how it ended. */
function isOver(round: Round, row: Outgoing): boolean {
  const how = round.changed.get(row.iri);
  if (row.state === "committed") return row.seq !== null && row.seq <= round.link.acked.seq;
  if (row.state !== "aborted" || how === undefined) return false;
  if (how.released) return true;
  // The peer said itself that it was refused, or given back.
  return !how.ordered;
}

function toAsk(
  row: Outgoing,
  kept: Kept | undefined,
  entries: Map<string, ReturnType<Wire["entry"]>>,
  wire: Wire,
): Message | null {
  const entry = entries.get(row.iri) ?? (kept?.entry != null ? wire.entry(kept.entry) : null);
  return question({ outgoing: row, entry });
}
