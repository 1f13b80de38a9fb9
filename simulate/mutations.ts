import type { Replacement } from "./rules.ts";

/**
 * A fault built into the rules, which the simulator has to find: otherwise its checks would be worth nothing. A history that shows it is
 * stored in seeds.json, or written down in scenarios.ts.
 */
export interface Mutation {
  name: string;
  /** What goes wrong. */
  what: string;
  replacements: Replacement[];
  /** Why no history can show it. */
  harmless?: string;
}

const mutation = (name: string, what: string, find: string, replace: string): Mutation => ({
  ...{ name, what },
  replacements: [{ find, replace }],
});

export const MUTATIONS: Mutation[] = [
  // Those that the model of the protocol was tried with.
  mutation(
    "duplicates-taken",
    "an entry that is known is taken again",
    "if (entry.seq < next) {",
    "if (false) {",
  ),
  {
    name: "sequence-ignored",
    what: "an entry is taken whenever it comes",
    replacements: [
      { find: "if (entry.seq > next) return", replace: "if (false) return" },
      { find: "if (entry.prev !== link.in.digest) {", replace: "if (false) {" },
      { find: "if (entry.cumulative !== link.in.cumulative + entry.amounts.seconds)", replace: "if (false)" },
    ],
  },
  mutation(
    "payee-times-out",
    "the payee's hub releases what it promised when it is asked again",
    "if (known !== undefined) return { ...unchanged(link), replies: answerAgain(known) };",
    `if (known?.state === "prepared") return released(link, known);
  if (known !== undefined) return { ...unchanged(link), replies: answerAgain(known) };`,
  ),
  {
    name: "no-recovery",
    what: "a process that begins decides at once, and sessions mean nothing",
    replacements: [
      {
        find: "return { ...link, ready: false, session:",
        replace: "return { ...link, ready: true, session:",
      },
      { find: "if (!isSame(session, link.peerSession)) {", replace: "if (false) {" },
    ],
  },
  mutation(
    "limit-not-checked",
    "promises are given whatever the limit",
    `(exposure(link) + seconds > link.limit ? "limit" : null)`,
    "null",
  ),
  mutation(
    "ends-forgotten",
    "what the peer knows to be over stays open after a restore",
    `if (state === "released" || state === "rejected" ||`,
    "if (",
  ),
  mutation(
    "listens-too-early",
    "messages count before hands are shaken",
    "if (!link.ready) return unchanged(link);",
    "",
  ),
  mutation(
    "old-promises-taken",
    "a promise of an earlier session is believed",
    "if (!isSame(session, link.peerSession)) {",
    `if (message.type !== "promise" && !isSame(session, link.peerSession)) {`,
  ),
  mutation(
    "unacknowledged-debt-counts",
    "own debts lower the exposure before the peer has acknowledged them",
    "link.in.cumulative - link.acked.cumulative + link.prepared",
    "link.in.cumulative - link.out.cumulative + link.prepared",
  ),
  mutation(
    "void-promises-kept",
    "a promise that the peer does not know any more is kept",
    `else if (state === "none" && row.promise !== null)`,
    "else if (false)",
  ),
  mutation(
    "stale-sessions-unanswered",
    "who speaks under an old session is not told",
    `replies: [{ type: "known", epoch: link.peerSession.epoch, nonce: session.nonce }],`,
    "replies: [],",
  ),
  {
    ...mutation(
      "old-promises-held",
      "what the peer has no more open stays promised after a restore",
      "if (!open.has(row.iri)) outcome",
      "if (false) outcome",
    ),
    harmless:
      "It is only given back a moment later: a promise is asked about until it ends, and a payer's hub answers what is not open there by its entry or an abort.",
  },
  {
    ...mutation(
      "aborts-not-remembered",
      "the payee's hub does not write down that what it does not know was aborted",
      "return kept === null ? unchanged(link) : { ...unchanged(kept), incoming: [blank(iri)], replies };",
      "return kept === null ? unchanged(link) : { ...unchanged(kept), replies };",
    ),
    harmless:
      "The payer's row says it, and the payee's hub asks: a request that comes after its abort is released by the answer to its question.",
  },

  // What a message says is held against what is known.
  mutation(
    "digests-not-compared",
    "an entry in other words under a known number is not noticed",
    "if (known !== undefined && known.digest !== entry.digest) return equivocation",
    "if (false) return equivocation",
  ),
  mutation(
    "sum-not-checked",
    "the running sum is what the peer says",
    "if (entry.cumulative !== link.in.cumulative + entry.amounts.seconds)",
    "if (false)",
  ),
  mutation(
    "chain-not-checked",
    "an entry follows whatever it says",
    "if (entry.prev !== link.in.digest) {",
    "if (false) {",
  ),
  mutation(
    "promise-not-needed",
    "an entry of a transfer that was decided, or was never asked for, is taken",
    `if (known.state !== "prepared")`,
    "if (false)",
  ),
  mutation(
    "other-promise-accepted",
    "an entry may name any promise",
    "entry.promise === known.promise.digest &&",
    "",
  ),
  mutation("payee-not-checked", "an entry may pay somebody else", "entry.payee === terms.payee &&", ""),
  mutation(
    "part-not-checked",
    "the payee gets what the entry says",
    "entry.amounts.payee === due.payee &&",
    "",
  ),
  mutation(
    "seconds-not-checked",
    "what crosses is what the entry says",
    "entry.amounts.seconds === due.seconds &&",
    "",
  ),
  mutation(
    "more-than-promised",
    "an entry may pay more than was promised",
    "entry.amounts.payer <= terms.quote.payer &&",
    "",
  ),
  mutation(
    "quotes-not-checked",
    "a promise is given for any rates and amounts",
    "!isFair(request.terms.quote)",
    "false",
  ),
  mutation(
    "rates-not-positive",
    "rates may be nothing or less",
    "const positive = [payer, payee, seconds, payerRate.n, payerRate.d, payeeRate.n, payeeRate.d];",
    "const positive = [payer, payee, seconds];",
  ),
  mutation(
    "terms-not-compared",
    "other terms under a known id are not noticed",
    "if (known?.request != null && known.request.digest !== request.digest) {",
    "if (false) {",
  ),
  mutation(
    "unasked-promise-taken",
    "a promise of other terms than were asked for is taken",
    "known.request?.digest === promise.request",
    "true",
  ),
  mutation(
    "decided-without-promise",
    "what is ordered is paid without a promise",
    "if (known.promise === null || known.terms === null) return null;",
    "if (known.terms === null) return null;",
  ),
  mutation(
    "checkpoint-not-compared",
    "a checkpoint of another log acknowledges ours",
    "if (entry === undefined || entry.digest !== digest || entry.cumulative !== cumulative) {",
    "if (entry === undefined) {",
  ),
  {
    ...mutation(
      "forgotten-not-noticed",
      "a checkpoint beyond our own log means nothing",
      "if (seq > link.out.seq) return { ...unchanged(link), link: begin(link, pen.nonce()) };",
      "if (seq > link.out.seq) return unchanged(link);",
    ),
    harmless:
      "A process that begins shakes hands first: only a database that is swapped under a running process gets there.",
  },
  mutation(
    "heads-not-compared",
    "logs that differ are not noticed when hands are shaken",
    "return fork.sent === null && fork.received === null ? null : fork;",
    "return null;",
  ),

  // Sessions and the handshake.
  mutation(
    "nonce-ignored",
    "two processes of one epoch are taken for one",
    "a.epoch === b.epoch && a.nonce === b.nonce",
    "a.epoch === b.epoch",
  ),
  mutation(
    "answers-to-others-taken",
    "the answer to an earlier handshake is taken",
    "if (link.ready || message.nonce !== link.session.nonce || link.resync !== null) return unchanged(link);",
    "if (link.ready || link.resync !== null) return unchanged(link);",
  ),
  mutation(
    "old-answer-kept",
    "what a peer answered before it lost data still counts",
    "const resync = isSame(session, link.peerSession) ? link.resync : null;",
    "const resync = link.resync;",
  ),
  mutation(
    "ready-before-read",
    "deciding begins before the logs are read",
    "if (link.out.seq >= resync.in.seq && link.in.seq >= resync.out.seq)",
    "if (true)",
  ),
  mutation(
    "forgotten-promises-lost",
    "promises that the peer gives back are not taken over",
    "if (request === null || promise === null || rows.incoming(transfer) !== undefined) continue;",
    "if (true) continue;",
  ),
  mutation(
    "promises-taken-twice",
    "promises that the peer gives back count although their end is known",
    "if (request === null || promise === null || rows.incoming(transfer) !== undefined) continue;",
    "if (request === null || promise === null) continue;",
  ),
  mutation(
    "asked-anew",
    "what was asked for before data was lost is asked for in other words",
    ` || (state === "prepared" && row.request === null))`,
    ")",
  ),
  mutation(
    "given-back-for-good",
    "what was given back unasked cannot turn out to have been paid",
    `const asked = known?.state !== "aborted" || known.request !== null;`,
    "const asked = true;",
  ),
  mutation(
    "recovered-twice",
    "entries that are given back are taken again",
    "if (entry.seq !== next + 1n) continue;",
    `if (log === "mine" && entry.seq !== next + 1n) continue;`,
  ),
  mutation(
    "page-needs-too-little",
    "what the end of the handshake needs is not read with its last page",
    "...(link.resync?.open.map(({ transfer }) => transfer) ?? []),",
    "",
  ),

  mutation(
    "late-fork-believed",
    "what a hub signed in a past that it lost accuses it when it arrives late",
    "if (fork !== null && isSame(session, link.peerSession)) return forked(link, fork);",
    "if (fork !== null) return forked(link, fork);",
  ),

  // Who and when.
  mutation(
    "belongs-to-anybody",
    "what was signed for others counts here",
    "if (!belongs(message, link.peer, pen.hub)) return unchanged(link);",
    "",
  ),
  mutation(
    "frozen-ignored",
    "a frozen peer is heard",
    `if (link.state !== "active" && link.state !== "draining") return unchanged(link);`,
    "",
  ),
  mutation(
    "draining-ignored",
    "a draining hub gives promises",
    `link.state === "draining"
      ? "draining"
      : `,
    "",
  ),
  mutation(
    "settled-still-counted",
    "what is paid still counts as promised",
    "prepared: link.prepared - terms.quote.seconds,",
    "prepared: link.prepared,",
  ),
  mutation(
    "released-still-counted",
    "what is given back still counts as promised",
    "prepared: link.prepared - seconds, preparedCount",
    "prepared: link.prepared, preparedCount",
  ),
  {
    name: "paid-twice",
    what: "what is decided is decided again",
    replacements: [
      {
        find: `known.state !== "reserved" || known.order === null) return null;`,
        replace: "known.order === null) return null;",
      },
      {
        find: `state: "committed", order: null, seq, settled: amounts }],`,
        replace: `state: "committed", seq, settled: amounts }],`,
      },
    ],
  },
  mutation(
    "aborted-silently",
    "the payee's hub is not told that a transfer is over",
    `const never = known === undefined || known.state === "aborted";`,
    "const never = known === undefined;",
  ),
  mutation(
    "queries-unanswered",
    "what a hub forgot it never says to be over",
    `const never = known === undefined || known.state === "aborted";`,
    `const never = known?.state === "aborted";`,
  ),
  mutation(
    "rounded-up",
    "a part is rounded up",
    "const payee = least((seconds * quote.payeeRate.n) / (3600n * quote.payeeRate.d), quote.payee);",
    "const payee = least((seconds * quote.payeeRate.n) / (3600n * quote.payeeRate.d) + 1n, quote.payee);",
  ),
  mutation(
    "known-ignored-when-ready",
    "who has shaken hands does not hear that its epoch is known with another nonce",
    "if (nonce !== session.nonce || epoch < session.epoch)",
    "if (nonce !== session.nonce || epoch < session.epoch || (link.ready && epoch === session.epoch))",
  ),
  {
    ...mutation(
      "known-to-anybody",
      "an answer to an earlier session begins a new one",
      "if (nonce !== session.nonce || epoch",
      "if (epoch",
    ),
    harmless: "It only begins once more than it would have to.",
  },
];
