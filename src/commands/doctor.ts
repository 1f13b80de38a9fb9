import type { Command } from "commander";
import { type Config, readConfig } from "../config.ts";
import type { Database } from "../db/client.ts";
import { APPLICATION_ROLE, applicationRole } from "../db/role.ts";
import { loadPrivateKey } from "../domain/actors/keys.ts";
import type { Ctx } from "../domain/context.ts";
import { findHub } from "../domain/hubs/queries.ts";
import { EgressError, fetchDocument, installEgress, post } from "../federation/egress.ts";
import { createMailer } from "../mail/mailer.ts";
import { queueStats } from "../queue/stats.ts";
import { VERSION } from "../version.ts";
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
