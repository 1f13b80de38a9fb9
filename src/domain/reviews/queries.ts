import { and, desc, eq, isNotNull, isNull, lt, or, type SQL, sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { actors } from "../../db/schema/actors.ts";
import {
  agreementSteps,
  agreements,
  type Party,
  reviewDigests,
  reviews,
} from "../../db/schema/agreements.ts";
import { proposals } from "../../db/schema/proposals.ts";
import { type ActorView, actorById, actorColumns, toActorView } from "../actors/queries.ts";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { type Page, toPage } from "../page.ts";
import { isSettled, REVIEWED, sealedDays } from "./load.ts";
import { means, type Opinion, rating, revealTime, reviewWindow, type Scores } from "./rules.ts";

/** A review that everybody may read. */
export interface ReviewView {
  id: Id;
  author: ActorView;
  /** What the one it is about did in the exchange. */
  role: Party;
  /** 1 to 5. */
  rating: number;
  /** Plain text. */
  content: string;
  language: string | null;
  late: boolean;
  created: Date;
  /** The post it became. */
  postId: Id | null;
  /** Where it is to be read on its author's hub, when that is another one. */
  url: string | null;
}

const PAGE = 20;
/** Reputation and facts come from so many of the newest reviews and, either way, agreements. */
const COUNTED = 500;
/** Whether somebody has another partner is looked up in so many of their newest agreements, either way. */
const PARTNERS = 200;

/** Reviews of an actor that are open and say something, newest first. */
export async function reviewsOf(
  ctx: Ctx,
  actorId: Id,
  before: Id | null,
  limit = PAGE,
): Promise<Page<ReviewView>> {
  const rows = await ctx.db
    .select({ review: reviews, author: actorColumns })
    .from(reviews)
    .innerJoin(actors, eq(actors.id, reviews.authorId))
    .where(
      and(
        eq(reviews.subjectId, actorId),
        isNotNull(reviews.revealed),
        isNull(reviews.deleted),
        isNotNull(reviews.content),
        before === null ? undefined : lt(reviews.id, before),
      ),
    )
    .orderBy(desc(reviews.id))
    .limit(limit + 1);
  return toPage(
    rows.map(({ review, author }) => toReviewView(review, author)),
    limit,
    (review) => review.id,
  );
}

/** Where a review is to be found. */
export interface ReviewAddress {
  id: Id;
  agreementId: Id;
  subject: ActorView;
  own: boolean;
  /** The post it became, once it is open. */
  postId: Id | null;
}

/**
 * A review by its id, for its author and, once it is a post, for everybody.
 *
 * @throws DomainError not_found, gone (its author deleted it)
 */
export async function reviewById(ctx: Ctx, id: Id, viewerId: Id | null): Promise<ReviewAddress> {
  const [row] = await ctx.db
    .select({ review: reviews, subject: actorColumns })
    .from(reviews)
    .innerJoin(actors, eq(actors.id, reviews.subjectId))
    .where(eq(reviews.id, id));
  const own = row?.review.authorId === viewerId;
  if (row === undefined || (!own && row.review.postId === null))
    throw new DomainError("not_found", "no such review");
  const { agreementId, deleted, postId } = row.review;
  if (deleted !== null) throw new DomainError("gone", "this review was deleted");
  return { id, agreementId, subject: toActorView(row.subject), own, postId };
}

/** What one may know of a party's review of an exchange: of a sealed one, that there is one. */
export interface ReviewStatus {
  id: Id;
  state: "sealed" | "revealed" | "deleted";
  created: Date;
  late: boolean;
  /** Of a revealed one. */
  rating: number | null;
  content: string | null;
  language: string | null;
}

/** How it stands with the reviews of an agreement, as one of its parties sees it. */
export interface Reviewing {
  agreementId: Id;
  title: string;
  counterparty: ActorView;
  /** What the counterparty did in it. */
  role: Party;
  /** Can it be reviewed now, and if so, how? */
  window: "not_yet" | "sealed" | "late" | "over";
  /** When sealed reviews are opened in any case. */
  reveals: Date;
  mine: ReviewStatus | null;
  theirs: ReviewStatus | null;
}

/** @throws DomainError not_found when there is no such agreement, or the actor is no party to it */
export async function reviewing(ctx: Ctx, actorId: Id, agreementId: Id): Promise<Reviewing> {
  const [agreement] = await ctx.db
    .select(REVIEWED)
    .from(agreements)
    .innerJoin(proposals, eq(proposals.id, agreements.proposalId))
    .where(
      and(
        eq(agreements.id, agreementId),
        or(eq(agreements.providerId, actorId), eq(agreements.receiverId, actorId)),
      ),
    );
  if (agreement === undefined) throw new DomainError("not_found", "no such agreement");
  const days = await sealedDays(ctx, agreement);
  const [rows, sealed] = await Promise.all([
    ctx.db.select().from(reviews).where(eq(reviews.agreementId, agreementId)).limit(2),
    ctx.db.select().from(reviewDigests).where(eq(reviewDigests.agreementId, agreementId)).limit(1),
  ]);
  const mine = rows.find(({ authorId }) => authorId === actorId);
  const theirs = rows.find(({ authorId }) => authorId !== actorId);
  const provides = agreement.providerId === actorId;
  return {
    agreementId,
    title: agreement.title,
    counterparty: await actorById(ctx, provides ? agreement.receiverId : agreement.providerId),
    role: provides ? "receiver" : "provider",
    window: isSettled(agreement) ? reviewWindow(agreement.settled, days, ctx.clock.now()) : "not_yet",
    reveals: revealTime(agreement.settled, days),
    mine: mine === undefined ? null : toStatus(mine),
    theirs:
      theirs !== undefined ? toStatus(theirs) : sealed[0] === undefined ? null : sealedStatus(sealed[0]),
  };
}

export interface Reputation {
  /** Open reviews, with a text or without; 500 stands for more. */
  reviews: number;
  /** How many counterparties they are from. */
  counterparties: number;
  /** 1 to 5 each; null while there are too few counterparties. */
  means: Scores | null;
}

/** What those who exchanged with an actor say of it, in numbers. */
export async function reputation(ctx: Ctx, actorId: Id): Promise<Reputation> {
  const hasOther = (mine: SQL, other: SQL) => sql`exists (
    select from (
      select ${other} as partner, state, settled_amount from ${agreements}
      where ${mine} = author.id order by id desc limit ${PARTNERS}
    ) recent where partner <> ${actorId} and ${done(sql`recent`)})`;
  const rows = await ctx.db.execute<{
    author_id: string;
    created: string;
    kept_word: number;
    quality: number;
    communication: number;
    only_partner: boolean;
  }>(sql`
    with newest as materialized (
      select author_id, created, kept_word, quality, communication from ${reviews}
      where subject_id = ${actorId} and revealed is not null and deleted is null
      order by id desc limit ${COUNTED}
    ), authors as materialized (
      select author.id, not (
        ${hasOther(sql`provider_id`, sql`receiver_id`)} or ${hasOther(sql`receiver_id`, sql`provider_id`)}
      ) as only_partner
      from (select distinct author_id as id from newest) author
    )
    select newest.*, authors.only_partner from newest join authors on authors.id = newest.author_id`);
  const opinions = [...rows].map(
    (row): Opinion => ({
      authorId: BigInt(row.author_id),
      created: new Date(row.created),
      keptWord: row.kept_word,
      quality: row.quality,
      communication: row.communication,
      onlyPartner: row.only_partner,
    }),
  );
  return {
    reviews: opinions.length,
    counterparties: new Set(opinions.map(({ authorId }) => authorId)).size,
    means: means(opinions, ctx.clock.now()),
  };
}

/** What the log says of an actor; stronger than opinions. From the newest 500 agreements either way. */
export interface Facts {
  /** Exchanges that came to a good end. */
  completed: number;
  counterparties: number;
  /** Of what it was to do by a day that is over or that it has done: how often it was done by then. */
  dated: number;
  onTime: number;
  /** Agreements that one of the two disputed. */
  disputed: number;
  /** Milliseconds until it first answers an offer, in the median; null when it never did. */
  answers: number | null;
  /** Completed exchanges without a price: gifts and those that are only counted. */
  given: number;
  received: number;
}

export async function facts(ctx: Ctx, actorId: Id): Promise<Facts> {
  const now = ctx.clock.now().toISOString();
  const side = (party: Party) => sql`(
    select id, ${sql.raw(`'${party}'`)} as role, ${sql.raw(party === "provider" ? "receiver_id" : "provider_id")} as partner,
      proposer, state, settlement, settled_amount, due, accepted, delivered, changed, created, disputed_by
    from ${agreements} where ${sql.raw(`${party}_id`)} = ${actorId} order by id desc limit ${COUNTED})`;
  const [row] = await ctx.db.execute<Record<keyof Facts, number> & { answers: number | null }>(sql`
    with mine as (${side("provider")} union all ${side("receiver")})
    select
      (count(*) filter (where ${done(sql`mine`)}))::int as completed,
      (count(distinct partner) filter (where ${done(sql`mine`)}))::int as counterparties,
      (count(*) filter (where dated))::int as dated,
      (count(*) filter (where dated and delivered <= due))::int as "onTime",
      (count(*) filter (where disputed_by is not null))::int as disputed,
      (extract(epoch from percentile_disc(0.5) within group (order by answer.at - mine.created)) * 1000)::float8 as answers,
      (count(*) filter (where tallied and role = 'provider'))::int as given,
      (count(*) filter (where tallied and role = 'receiver'))::int as received
    from mine
    cross join lateral (select
      -- Not done when its day was over, whatever became of it afterwards, is late; called off before is not.
      role = 'provider' and due is not null and accepted is not null and (delivered is not null or due < (
        case when state in ('cancelled', 'expired', 'resolved') then changed else ${now}::timestamptz end
      )) as dated,
      settlement in ('none', 'count') and ${done(sql`mine`)} as tallied
    ) judged
    left join lateral (
      select step.created as at from ${agreementSteps} step
      where step.agreement_id = mine.id and mine.proposer = mine.role and step.party = mine.role and step.message <> 'offer'
      order by step.id limit 1
    ) answer on true`);
  if (row === undefined) throw new Error("an aggregate has a row");
  return row;
}

/** The same as the rule `isReviewable`, for rows of `table`. */
function done(table: SQL): SQL {
  return sql`(${table}.state = 'settled' or (${table}.state = 'resolved' and ${table}.settled_amount > 0))`;
}

type Row = typeof reviews.$inferSelect;

function toReviewView(row: Row, author: Parameters<typeof toActorView>[0]): ReviewView {
  return {
    id: row.id,
    author: toActorView(author),
    role: row.role,
    rating: rating(row),
    content: row.content ?? "",
    language: row.language,
    late: row.late,
    created: row.created,
    postId: row.postId,
    url: author.host === null ? null : row.iri,
  };
}

/** Of a review that is on its author's hub still. */
function sealedStatus({ id, received, late, deleted }: typeof reviewDigests.$inferSelect): ReviewStatus {
  const state = deleted === null ? "sealed" : "deleted";
  return { id, state, created: received, late, rating: null, content: null, language: null };
}

function toStatus(row: Row): ReviewStatus {
  const state = row.deleted !== null ? "deleted" : row.revealed !== null ? "revealed" : "sealed";
  const open = state === "revealed";
  return {
    id: row.id,
    state,
    created: row.created,
    late: row.late,
    rating: open ? rating(row) : null,
    content: open ? row.content : null,
    language: open ? row.language : null,
  };
}
