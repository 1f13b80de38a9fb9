/**
 * What notices tell, each with the details that fill its text (`notice.<kind>` in the locales). Details are texts:
 *
 * - `actor`: name of the other side, or for staff of the one who asks
 * - `title`: name of the proposal
 * - `amount`: with its unit, as everybody can read it (`12.50 ₳`)
 * - `days`, `count`, `over`: a whole number
 * - `moment`: a time in UTC, as everybody can read it
 */
const DETAILS = {
  agreement_offered: ["actor", "title"],
  agreement_countered: ["actor", "title"],
  agreement_accepted: ["actor", "title"],
  agreement_rejected: ["actor", "title"],
  agreement_withdrawn: ["actor", "title"],
  agreement_expired: ["title"],
  agreement_cancelled: ["actor", "title"],
  agreement_delivered: ["actor", "title"],
  agreement_settled: ["actor", "title"],
  /** To the other party; to curators too, who may help. */
  agreement_disputed: ["actor", "title"],
  /** Between hubs: the other hub has promised to take the credits, or refused to; an objection came after the payment. */
  agreement_funded: ["title"],
  agreement_refused: ["title"],
  dispute_late: ["title"],
  resolution_proposed: ["title"],
  /** To curators: those of the hub `actor` propose how a dispute between the two ends. */
  resolution_asked: ["actor", "title"],
  agreement_resolved: ["title"],
  agreement_message: ["actor", "title"],
  /** Something waits for the one who is told. */
  agreement_reminder: ["title"],
  proposal_ends_soon: ["title", "days"],
  proposal_ended: ["title"],
  question_asked: ["actor", "title"],
  review_received: ["actor", "title"],
  reviews_revealed: ["actor", "title"],
  /** To curators: `actor` asks for it. */
  voucher_requested: ["actor", "amount"],
  voucher_approved: ["amount"],
  voucher_refused: [],
  /** To curators: `actor` asks for it. */
  verification_requested: ["actor"],
  verification_decided: [],
  vouched: ["actor", "amount"],
  credits_received: ["actor", "amount"],
  /** To administrators. */
  ledger_frozen: [],
  /** To administrators: `actor` is the other hub. */
  peering_asked: ["actor"],
  peering_accepted: ["actor"],
  peering_rejected: ["actor"],
  peering_revised: ["actor"],
  peering_ended: ["actor"],
  peer_frozen: ["actor"],
  peer_key_changed: ["actor"],
  peer_silent: ["actor"],
  peer_overdue: ["actor"],
  /** What was forgotten came back from `actor`, and took somebody so far below the floor. */
  recovery_overdraft: ["actor", "amount"],
  /** To administrators: the hub is as it was at that moment; a peer gave back `count` payments, `over` accounts went below their floor. */
  hub_restored: ["moment"],
  payments_recovered: ["actor", "count", "over"],
} as const satisfies Record<string, readonly Detail[]>;

export type Detail = "actor" | "title" | "amount" | "days" | "moment" | "count" | "over";
export type NoticeKind = keyof typeof DETAILS;
/** The details that a notice of this kind needs. */
export type DetailsOf<K extends NoticeKind> = Record<(typeof DETAILS)[K][number], string>;

export const NOTICE_KINDS = Object.keys(DETAILS) as NoticeKind[];

export function isNoticeKind(text: string): text is NoticeKind {
  return Object.hasOwn(DETAILS, text);
}
