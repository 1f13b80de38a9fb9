import { getLogger } from "@logtape/logtape";
import type { Database } from "./db/client.ts";
import { sweepSessions } from "./domain/accounts/commands.ts";
import { sweepActivities } from "./domain/activities/commands.ts";
import { advanceAgreements } from "./domain/agreements/commands.ts";
import { tellRecovered } from "./domain/clearing/restored.ts";
import { publishTotals, type Totals } from "./domain/clearing/totals.ts";
import type { Ctx } from "./domain/context.ts";
import { sweepIdempotencyKeys } from "./domain/idempotency.ts";
import { runChecks } from "./domain/ledger/check.ts";
import { expireVouchers } from "./domain/ledger/vouchers.ts";
import { sweepMedia } from "./domain/media/commands.ts";
import { sweepNotices } from "./domain/notices/commands.ts";
import { releaseDueVouches } from "./domain/organizations/vouching.ts";
import { dropCopies } from "./domain/peers/copied.ts";
import { copyDue } from "./domain/peers/copies.ts";
import { watchPeers } from "./domain/peers/watch.ts";
import { noticeEndings } from "./domain/proposals/endings.ts";
import { refreshWords } from "./domain/proposals/search.ts";
import { revealDue } from "./domain/reviews/reveal.ts";
import { sweepThrottles } from "./domain/throttle.ts";
import { sweepKeys } from "./federation/keys.ts";
import type { Mailer } from "./mail/mailer.ts";
import { sweepDeadJobs } from "./queue/jobs.ts";
import { sweepKv } from "./queue/kv.ts";
import type { ScheduleEntry } from "./queue/schedule.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const logger = getLogger(["ayni", "clock"]);

/** What is done again and again. */
export interface Chore extends ScheduleEntry {
  run(): Promise<void>;
}

/** All that the clock does: deadlines of the exchange, the ledger's checkers, and what is kept for a while only. */
export function chores(
  ctx: Ctx,
  sql: Database["sql"],
  mailer: Mailer,
  sign: (totals: Totals) => Promise<string>,
): Chore[] {
  const started = ctx.clock.now().getTime();
  return [
    // Once a day; asked more often, for the days on which the hub is up for a while only.
    { name: "totals", every: 10 * MINUTE, run: () => publishTotals(ctx, sign) },
    { name: "exchange", every: 5 * MINUTE, run: () => exchange(ctx) },
    { name: "copies", every: MINUTE, run: () => each([() => copyDue(ctx), () => dropCopies(ctx)]) },
    {
      name: "peers",
      every: 5 * MINUTE,
      // A hub that was down has not heard anybody: first it hears who is there.
      async run() {
        if (ctx.clock.now().getTime() - started >= MINUTE) await peers(ctx);
      },
    },
    { name: "ledger", every: HOUR, run: () => checks(ctx) },
    { name: "sweep", every: HOUR, run: () => sweep(ctx, sql, mailer) },
  ];
}

/** Whatever in the exchange has a date that came. */
function exchange(ctx: Ctx): Promise<void> {
  return each([
    () => advance(ctx),
    () => revealDue(ctx),
    () => expireVouchers(ctx),
    () => releaseDueVouches(ctx),
    () => noticeEndings(ctx),
    () => tellRecovered(ctx),
  ]);
}

async function advance(ctx: Ctx): Promise<void> {
  for (const { id, error } of await advanceAgreements(ctx))
    logger.warn("Agreement {id} could not be moved on: {error}", { id: id.toString(), error });
}

async function peers(ctx: Ctx): Promise<void> {
  for (const { id, error } of await watchPeers(ctx))
    logger.warn("Peer {id} could not be looked after: {error}", { id: id.toString(), error });
}

/** One after the other. What fails keeps none of the others from being done, and is told at the end. */
async function each(works: readonly (() => Promise<unknown>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const work of works) await work().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}

async function checks(ctx: Ctx): Promise<void> {
  const findings = await runChecks(ctx);
  if (findings.length > 0)
    logger.error("The ledger's checkers found {count} things wrong; settlement is frozen: {findings}", {
      count: findings.length,
      findings: findings.slice(0, 10),
    });
}

function sweep(ctx: Ctx, sql: Database["sql"], mailer: Mailer): Promise<void> {
  const now = ctx.clock.now();
  return each([
    () => sweepKv(sql, now),
    () => sweepKeys(sql, now),
    () => sweepSessions(ctx),
    () => sweepThrottles(ctx),
    () => sweepActivities(ctx),
    () => sweepNotices(ctx),
    () => sweepIdempotencyKeys(ctx),
    () => sweepMedia(ctx),
    () => refreshWords(ctx),
    () => mailer.sweep(now),
    () => sweepDeadJobs(sql, now),
  ]);
}
