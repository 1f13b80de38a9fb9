import { join } from "node:path";
import { getLogger } from "@logtape/logtape";
import type { Command } from "commander";
import { readConfig } from "../config.ts";
import type { Id } from "../db/ids.ts";
import { createAccount } from "../domain/accounts/commands.ts";
import type { Acting, Ctx } from "../domain/context.ts";
import { requestFollow } from "../domain/follows/commands.ts";
import { setUpHub } from "../domain/hubs/commands.ts";
import { findHub } from "../domain/hubs/queries.ts";
import { createOrganization } from "../domain/organizations/commands.ts";
import { publishPost } from "../domain/posts/commands.ts";
import { publishProposal } from "../domain/proposals/commands.ts";
import { say } from "./data.ts";
import { DEMO, type DemoHub } from "./demo-data.ts";
import { exchangeHistory } from "./demo-exchanges.ts";
import { startLogging } from "./logging.ts";
import { type Running, start, untilSignal } from "./serve.ts";

const PASSWORD = "ayni-demo-2026";
const logger = getLogger(["ayni", "demo"]);

export function addDemoCommand(program: Command): void {
  program
    .command("demo")
    .description("two hubs on this machine, filled with invented data, federating with each other")
    .option("--data-dir <path>", "where their data is kept", "./demo-data")
    .action(({ dataDir }: { dataDir: string }) => demo(dataDir));
}

async function demo(dataDir: string): Promise<void> {
  await startLogging("warning");
  const stopping = untilSignal();
  const allow = DEMO.map(({ port }) => `127.0.0.1:${port}`).join(",");
  const running: { hub: DemoHub; at: Running; ctx: Ctx }[] = [];
  try {
    for (const hub of DEMO) {
      const at = await start(
        readConfig({
          PORT: hub.port.toString(),
          HOST: "127.0.0.1",
          AYNI_ORIGIN: `http://localhost:${hub.port}`,
          AYNI_DATA_DIR: join(dataDir, hub.key),
          AYNI_EGRESS_ALLOW: allow,
          AYNI_ROLE: "all",
          DATABASE_URL: "",
          AYNI_SECRET: "",
        }),
      );
      running.push({ hub, at, ctx: at.hub.ctx });
    }
    const empty: { hub: DemoHub; ctx: Ctx }[] = [];
    for (const { hub, ctx } of running) if ((await findHub(ctx)) === null) empty.push({ hub, ctx });
    if (empty.length > 0) {
      say("Filling the hubs with invented data …");
      const filled = await Promise.all(empty.map(({ hub, ctx }) => fill(ctx, hub)));
      for (const [index, { ctx }] of empty.entries()) {
        const other = DEMO.find(({ key }) => key !== empty[index]?.hub.key);
        if (other !== undefined) await followAcross(ctx, filled[index]?.organizations ?? [], other);
      }
      for (const [index, { hub, ctx }] of empty.entries()) {
        const { organizations = [], curator } = filled[index] ?? {};
        if (curator === undefined) continue;
        const published = await publish(ctx, hub, organizations);
        await exchangeHistory(ctx, organizations, published, curator, hub);
      }
    }
    for (const { hub, at } of running) {
      say(
        `\n  ${hub.name}\n    ${at.origin}\n    log in as ${hub.admin.handle}, or as the curator ${hub.curator.handle}, with the password ${PASSWORD}`,
      );
    }
    say("\n  Everything in them is invented. Stop with Ctrl-C; start again and it is still there.\n");
    await stopping;
  } finally {
    for (const { at } of running.reverse())
      await at.stop().catch((error: unknown) => logger.warn("{error}", { error }));
  }
}

/** The hub, its administrator, a curator, a second member, and its organizations, all represented by the administrator. */
export async function fill(ctx: Ctx, hub: DemoHub): Promise<{ organizations: Acting[]; curator: Acting }> {
  const { accountId } = await setUpHub(ctx, {
    name: hub.name,
    description: hub.description,
    locale: hub.locale,
    currencyName: hub.currency.name,
    currencySymbol: hub.currency.symbol,
    currencyRate: hub.currency.rate,
    admin: { ...hub.admin, email: `${hub.admin.handle}@example.org`, password: PASSWORD },
  });
  await createAccount(ctx, {
    handle: "field",
    email: "field@example.org",
    password: PASSWORD,
    locale: hub.locale,
  });
  const curator = await createAccount(ctx, {
    ...hub.curator,
    email: `${hub.curator.handle}@example.org`,
    password: PASSWORD,
    locale: hub.locale,
    role: "curator",
  });
  const organizations = await Promise.all(
    hub.organizations.map(async ({ handle, name, summary }) => ({
      accountId,
      actorId: await createOrganization(ctx, accountId, { handle, name, summary }),
    })),
  );
  return { organizations, curator };
}

/** Each organization follows its neighbour here and three of the other hub. */
async function followAcross(ctx: Ctx, organizations: Acting[], other: DemoHub): Promise<void> {
  const host = `localhost:${other.port}`;
  const remote: Id[] = [];
  for (const { handle } of other.organizations)
    remote.push(await ctx.remote.resolveActor(`${handle}@${host}`));
  for (const [index, { actorId }] of organizations.entries()) {
    const neighbour = organizations[(index + 1) % organizations.length]?.actorId;
    const chosen = [0, 1, 5].map((step) => remote[(index + step) % remote.length]);
    for (const followedId of [neighbour, ...chosen]) {
      if (followedId !== undefined) await requestFollow(ctx, { followerId: actorId, followedId });
    }
  }
}

/** @returns each organization's proposal, in the order of the organizations */
export async function publish(ctx: Ctx, hub: DemoHub, organizations: Acting[]): Promise<(Id | null)[]> {
  const published: (Id | null)[] = [];
  for (const [index, { posts, proposal, language }] of hub.organizations.entries()) {
    const acting = organizations[index];
    if (acting === undefined) continue;
    for (const content of posts) await publishPost(ctx, acting, { content, visibility: "public", language });
    published.push(
      proposal === undefined ? null : await publishProposal(ctx, acting, { ...proposal, language }),
    );
  }
  return published;
}
