import type { AgreementState } from "../../db/schema/agreements.ts";
import { DomainError } from "../errors.ts";
import { optionalText } from "../validate.ts";

/** Characters of a review's text. */
export const REVIEW_MAX = 2000;
/** What is scored, each from 1 to 5. */
export const DIMENSIONS = ["keptWord", "quality", "communication"] as const;
export type Dimension = (typeof DIMENSIONS)[number];
export type Scores = Record<Dimension, number>;

/** From so many counterparties on the means are shown: with fewer, each could tell what another one said. */
export const SHOWN_FROM = 3;
/** Of one counterparty the newest few count: nobody's reputation is made by one friend. */
export const PER_PAIR = 3;
/** Days after which a review counts half. */
export const HALF_LIFE = 730;
/** A review by somebody who has exchanged with nobody else counts so much. */
export const ONLY_PARTNER = 0.5;
/** Days after the settlement in which a review is still taken. */
export const LATE_DAYS = 90;
/** Days until sealed reviews of parties on two hubs are opened: both hubs open theirs by the same rule, whatever their own is. */
export const DAYS_BETWEEN_HUBS = 14;

const DAY = 86_400_000;

/** Did it end in a way that leaves something to review: what was agreed was done, at least in part. */
export function isReviewable(state: AgreementState, settledAmount: bigint | null): boolean {
  return state === "settled" || (state === "resolved" && settledAmount !== null && settledAmount > 0n);
}

/**
 * Has it not come to its end here, but may have on the other hub: there the credits, or the silence, may count already. What its party
 * sealed there is then kept.
 */
export function maySettleElsewhere(state: AgreementState): boolean {
  return state === "delivered" || state === "confirmed" || state === "disputed";
}

/** When sealed reviews of an agreement are opened, whether or not both are in. */
export function revealTime(settled: Date, reviewDays: number): Date {
  return new Date(settled.getTime() + reviewDays * DAY);
}

/**
 * May an agreement be reviewed now? `sealed`: yes, and nobody reads it before the other one is in; `late`: yes, but it is read at
 * once and marked; `over`: no more.
 */
export function reviewWindow(settled: Date, reviewDays: number, now: Date): "sealed" | "late" | "over" {
  if (now < revealTime(settled, reviewDays)) return "sealed";
  return now < revealTime(settled, Math.max(LATE_DAYS, reviewDays)) ? "late" : "over";
}

/** The one number that is public: the three scores' mean, as whole stars. */
export function rating(scores: Scores): number {
  return Math.round((scores.keptWord + scores.quality + scores.communication) / DIMENSIONS.length);
}

/** Stars that can be read aloud too: `★★★★☆ 4/5`. */
export function stars(rating: number): string {
  return `${"★".repeat(rating)}${"☆".repeat(5 - rating)} ${rating}/5`;
}

/** A review as it is sealed. Names are iris. */
export interface SealedReview extends Scores {
  agreement: string;
  author: string;
  /** Plain text. */
  content: string | null;
  language: string | null;
  review: string;
  /** Random: three scores alone could be found out by trying. */
  salt: string;
}

/**
 * What a review's digest is made of: canonical JSON (RFC 8785; flat, of texts and small integers, so that names in order are
 * all there is to it).
 */
export function sealedText(review: SealedReview): string {
  const names = Object.keys(review).sort() as (keyof typeof review)[];
  return JSON.stringify(Object.fromEntries(names.map((name) => [name, review[name]])));
}

/** A review as reputation counts it. */
export interface Opinion extends Scores {
  authorId: bigint;
  created: Date;
  /** Its author has exchanged with nobody but the one it is about. */
  onlyPartner: boolean;
}

/**
 * Weighted means of what counterparties said: the newest few of each, older ones less, those of somebody who exchanges with nobody
 * else half. Null while there are fewer than three counterparties.
 */
export function means(opinions: readonly Opinion[], now: Date): Scores | null {
  const counted = perPair(opinions);
  if (new Set(counted.map(({ authorId }) => authorId)).size < SHOWN_FROM) return null;
  const weights = counted.map((opinion) => weight(opinion, now));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const mean = (dimension: Dimension) =>
    counted.reduce((sum, opinion, at) => sum + opinion[dimension] * (weights[at] ?? 0), 0) / total;
  return { keptWord: mean("keptWord"), quality: mean("quality"), communication: mean("communication") };
}

/** How much one review counts: at most 1, more than 0. */
export function weight(
  { created, onlyPartner }: Pick<Opinion, "created" | "onlyPartner">,
  now: Date,
): number {
  const age = Math.max(0, now.getTime() - created.getTime()) / DAY;
  return 0.5 ** (age / HALF_LIFE) * (onlyPartner ? ONLY_PARTNER : 1);
}

function perPair(opinions: readonly Opinion[]): Opinion[] {
  const newest = opinions.toSorted((a, b) => b.created.getTime() - a.created.getTime());
  const counts = new Map<bigint, number>();
  return newest.filter(({ authorId }) => {
    const count = (counts.get(authorId) ?? 0) + 1;
    counts.set(authorId, count);
    return count <= PER_PAIR;
  });
}

export interface ReviewInput extends Scores {
  content?: string | undefined;
  language: string;
}

/** @throws DomainError invalid (a score is not 1 to 5), too_long */
export function checkReview(
  input: ReviewInput,
): Scores & { content: string | null; language: string | null } {
  for (const dimension of DIMENSIONS) {
    const score = input[dimension];
    if (!Number.isInteger(score) || score < 1 || score > 5)
      throw new DomainError("invalid", `${dimension} is scored from 1 to 5`, { field: FIELDS[dimension] });
  }
  const { keptWord, quality, communication } = input;
  const content = optionalText("content", input.content, REVIEW_MAX);
  return { keptWord, quality, communication, content, language: content === null ? null : input.language };
}

/** Names of the scores in forms. */
export const FIELDS = {
  keptWord: "kept_word",
  quality: "quality",
  communication: "communication",
} as const satisfies Record<Dimension, string>;
