import type { Command } from "commander";
import { eq, inArray } from "drizzle-orm";
import { type Config, readConfig } from "../config.ts";
import type { Database } from "../db/client.ts";
import { APPLICATION_ROLE, applicationRole } from "../db/role.ts";
import { clearingLinks } from "../db/schema/clearing.ts";
import { peerCopies, peers } from "../db/schema/peers.ts";
import { loadPrivateKey } from "../domain/actors/keys.ts";
import type { Ctx } from "../domain/context.ts";
import { findHub } from "../domain/hubs/queries.ts";
import type { CopyFailureCode } from "../domain/peers/copies.ts";
import { EgressError, fetchDocument, installEgress, post } from "../federation/egress.ts";
import { type MessageKey, translator } from "../locales/index.ts";
import { createMailer } from "../mail/mailer.ts";
import { queueStats } from "../queue/stats.ts";
import { VERSION } from "../version.ts";
import { failureText } from "../views/peers/failures.ts";
import { say, withDatabase } from "./data.ts";

/** What was looked at, and where something is wrong, what to do about it. */
interface Finding {
  ok: boolean;
  text: string;
  advice?: string;
}

export function addDoctorCommand(program: Command): void {
  program
    .command("doctor")
    .description("say whether the hub is well, and what to do where it is not")
    .action(() =>
      withDatabase(async (ctx, database) => {
        const findings = [
          await databaseFinding(database),
          await roleFinding(database),
          ...(await hubFindings(ctx)),
          ...(await addressFindings(ctx, readConfig())),
          ...(await queueFindings(database)),
          await mailFinding(ctx, readConfig()),
          await backupFinding(database),
          ...(await peerFindings(ctx)),
        ];
        for (const { ok, text, advice } of findings) {
          say(`${ok ? "ok   " : "WRONG"} ${text}`);
          if (!ok && advice !== undefined) say(`      ${advice}`);
        }
        const wrong = findings.filter(({ ok }) => !ok).length;
        say(
          wrong === 0 ? "\nAll is well." : `\n${wrong === 1 ? "One thing is" : `${wrong} things are`} wrong.`,
        );
        if (wrong > 0) process.exitCode = 1;
      }),
    );
}

async function databaseFinding({ sql }: Database): Promise<Finding> {
  const [row] = await sql<{ version: string }[]>`select current_setting('server_version') as version`;
  const version = row?.version ?? "unknown";
  return {
    ok: Number.parseInt(version, 10) >= 18,
    text: `The database answers (PostgreSQL ${version}); its tables are up to date.`,
    advice: "Ayni is tested with PostgreSQL 18: bring the server up to that version.",
  };
}

async function roleFinding({ url }: Database): Promise<Finding> {
  const role = await applicationRole(url);
  return {
    ok: role !== null,
    text:
      role !== null
        ? `The hub works as ${role}, which cannot rewrite the ledger.`
        : "The hub's database user could rewrite the ledger, if its triggers were switched off.",
    advice: `As an administrator of PostgreSQL: create role ${APPLICATION_ROLE} nologin; grant ${APPLICATION_ROLE} to <the user in DATABASE_URL>; then start the hub again.`,
  };
}

async function hubFindings(ctx: Ctx): Promise<Finding[]> {
  const hub = await findHub(ctx);
  if (hub === null) {
    return [
      {
        ok: false,
        text: "The hub is not set up.",
        advice: `Open ${ctx.hub.origin}/setup, or run ayni setup --help.`,
      },
    ];
  }
  const sameOrigin = {
    ok: hub.origin === ctx.hub.origin,
    text: `The hub is ${hub.name}, at ${hub.origin}.`,
    advice: `It was started as ${ctx.hub.origin}. Set AYNI_ORIGIN=${hub.origin}: every id starts with it.`,
  };
  const opens = await loadPrivateKey(ctx, hub.actorId, "rsa").then(
    () => true,
    () => false,
  );
  return [
    sameOrigin,
    {
      ok: opens,
      text: "The secret opens the actors' keys.",
      advice:
        "AYNI_SECRET (or the file secret in AYNI_DATA_DIR) is not the one this database was made with. Restore it.",
    },
  ];
}

/** Asks the public address as another server would, through the proxy in front of the hub. */
async function addressFindings({ hub: { origin } }: Ctx, config: Config): Promise<Finding[]> {
  const url = new URL(origin);
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  installEgress({
    allow: [...config.egressAllow, `127.0.0.1:${port}`, `[::1]:${port}`],
    userAgent: `Ayni/${VERSION} doctor`,
  });
  const answers = await fetchDocument(`${origin}/healthz`, { expect: "json" }).then(
    () => null,
    (error: unknown) => (error instanceof EgressError ? `${error.code}: ${error.message}` : String(error)),
  );
  if (answers !== null) {
    return [
      {
        ok: false,
        text: `Nobody answers at ${origin} (${answers}).`,
        advice: "Is the hub running? Does the name lead to this machine, and the proxy on to the hub's port?",
      },
    ];
  }
  const document = await fetchDocument(`${origin}/actor`, { expect: "activity" }).then(
    ({ json }) => (json as { id?: unknown }).id === `${origin}/actor`,
    () => false,
  );
  const { status } = await post(`${origin}/inbox`, {
    headers: { "content-type": "application/activity+json" },
    body: "{}",
  }).catch(() => ({ status: 0 }));
  return [
    { ok: true, text: `The hub answers at ${origin}.` },
    {
      ok: document,
      text: "Other servers get its documents.",
      advice:
        "The proxy must pass on the Accept header, and must not serve pages from a cache that ignores it.",
    },
    {
      ok: status === 401,
      text: "Other servers can deliver to it.",
      advice:
        status === 421
          ? "The proxy must pass on the Host header (nginx: proxy_set_header Host $host;)."
          : `An unsigned delivery was answered ${status} where 401 was expected: something in front of the hub changes requests.`,
    },
    {
      ok: url.protocol === "https:" || ["localhost", "127.0.0.1"].includes(url.hostname),
      text: `Its address is ${url.protocol === "https:" ? "encrypted" : "for this machine only"}.`,
      advice:
        "Other servers only talk to https addresses. The address is permanent: set it right before the setup.",
    },
  ];
}

async function queueFindings({ sql }: Database): Promise<Finding[]> {
  const stats = await queueStats(sql);
  const dead = stats.reduce((sum, queue) => sum + queue.dead, 0);
  const late = Math.max(0, ...stats.map((queue) => queue.oldest ?? 0));
  return [
    {
      ok: late < 300,
      text:
        late < 300
          ? "The queue is being worked off."
          : `The oldest job has waited for ${Math.round(late / 60)} minutes.`,
      advice: "Is a process with AYNI_ROLE all or worker running?",
    },
    { ok: true, text: `${dead} jobs were given up (deliveries to servers that are gone, mostly).` },
  ];
}

/** Whether mails reach anybody: connects and logs in, sends nothing. */
async function mailFinding({ hub: { origin } }: Ctx, config: Config): Promise<Finding> {
  if (config.smtpUrl === null) {
    return { ok: true, text: `Mails are written to ${config.dataDir}/mail (SMTP_URL sends them instead).` };
  }
  const mailer = createMailer({ ...config, origin });
  const fault = await mailer.check().then(
    () => null,
    (error: Error) => error.message,
  );
  mailer.close();
  return {
    ok: fault === null,
    text: fault === null ? "The mail server answers." : `The mail server does not take mails (${fault}).`,
    advice:
      "Look at SMTP_URL: smtp:// or smtps://, name and port, user and password (special letters as %40 and so on).",
  };
}

const DAY = 86_400_000;

/** A backup that nobody made cannot be restored. */
async function backupFinding({ sql }: Database): Promise<Finding> {
  const [last] = await sql<{ moment: Date }[]>`select moment from backups order by moment desc limit 1`;
  const advice = "Run ayni backup FILE every night, and keep the files on another machine (docs/backup.md).";
  if (last === undefined) return { ok: false, text: "No backup was ever made.", advice };
  return {
    ok: Date.now() - last.moment.getTime() < 7 * DAY,
    text: `The last backup shows ${last.moment.toISOString()}.`,
    advice,
  };
}

/** How long a peer may be silent: less than what it promised would be held for nothing. */
const SILENT = DAY;
const SKEW = 10 * 60_000;

async function peerFindings(ctx: Ctx): Promise<Finding[]> {
  const rows = await ctx.db
    .select({ peer: peers, link: clearingLinks, copy: peerCopies })
    .from(peers)
    .leftJoin(clearingLinks, eq(clearingLinks.peerId, peers.id))
    .leftJoin(peerCopies, eq(peerCopies.peerId, peers.id))
    .where(inArray(peers.state, ["asked", "active", "draining", "frozen"]))
    .orderBy(peers.origin);
  const now = ctx.clock.now().getTime();
  return rows.flatMap(({ peer, link, copy }) => peerFinding(now, peer, link, copy));
}

/** What a failure's code means and what to do, as the peer's page says it. */
const inWords = (text: MessageKey, code: string) => `${translator("en")(text)} (${code})`;

/** Why a peer is frozen, as its page says it. */
function frozenText(reason: string): string {
  if (reason === "administrator") return inWords("peers.problem_frozen_here", reason);
  return inWords(reason === "key_changed" ? "peers.problem_key" : "peers.problem_evidence", reason);
}

/** Everything that is amiss with one peer, or one line that says that nothing is. */
export function peerFinding(
  now: number,
  peer: typeof peers.$inferSelect,
  link: typeof clearingLinks.$inferSelect | null,
  copy: typeof peerCopies.$inferSelect | null,
): Finding[] {
  const { origin } = peer;
  const found: Finding[] = [];
  const wrong = (text: string, advice: string) =>
    found.push({ ok: false, text: `${origin} ${text}`, advice });
  const days = (since: Date) => Math.floor((now - since.getTime()) / DAY);
  if (peer.state === "asked") wrong("asks to be a peer.", "Answer it at /admin/peers.");
  if (peer.newKey !== null)
    wrong(
      "signs with a new key, which nobody here has accepted.",
      "Ask its administrators by another way (telephone) whether it is theirs, then accept it on its page at /admin/peers.",
    );
  if (peer.state === "frozen")
    wrong(
      `is frozen: nothing is settled with it. ${frozenText(peer.reason ?? "administrator")}`,
      "Look at the evidence on its page at /admin/peers, talk to its administrators, and let it go on or close it.",
    );
  if (peer.theirState === "frozen" && peer.state !== "frozen")
    wrong("has frozen this hub.", "Ask its administrators what they found; compare: ayni ledger prove.");
  if (link !== null && ["active", "draining"].includes(peer.state)) {
    const { heard, skew, ready, failure, reached } = link;
    if (heard === null || now - heard.getTime() > SILENT)
      wrong(
        heard === null ? "was never heard." : `was not heard for ${days(heard)} days.`,
        failure === null
          ? "Is it up? Does its address lead to it? Is the hub here running?"
          : `It could not be reached${reached === null ? "" : ` since ${reached.toISOString()}`}: ${inWords(failureText(failure), failure)}`,
      );
    else if (!ready)
      wrong(
        "has not shaken hands since the hub started: nothing is decided with it yet.",
        failure === null
          ? "That takes seconds while both hubs run; look again."
          : inWords(failureText(failure), failure),
      );
    if (skew !== null && Math.abs(skew) > SKEW)
      wrong(
        `has a clock that is ${Math.round(Math.abs(skew) / 60_000)} minutes ${skew > 0 ? "ahead of" : "behind"} this one.`,
        "Set the clock that is wrong (timedatectl); beyond an hour ahead or twelve behind nothing is taken.",
      );
  }
  if (copy !== null && peer.state === "active") {
    const { completed, compared, failure } = copy;
    // While both hubs' totals are the same nothing is copied, and the copy is as new as the comparison.
    const fresh = completed === null || (compared !== null && compared > completed) ? compared : completed;
    if (completed === null || fresh === null || days(fresh) >= 7)
      wrong(
        completed === null || fresh === null
          ? "has not been copied whole: the exchange page lacks some of its proposals."
          : `was last compared ${days(fresh)} days ago: the exchange page shows old proposals.`,
        failure === null
          ? "Is the hub's queue being worked off?"
          : inWords(`copy_failures.${failure as CopyFailureCode}`, failure),
      );
  }
  return found.length > 0 ? found : [{ ok: true, text: `Exchange with ${origin} is well.` }];
}
