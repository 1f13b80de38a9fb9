import type { Command } from "commander";
import { firstAdministrator } from "../domain/accounts/queries.ts";
import { formatAmount } from "../domain/amounts.ts";
import type { Acting, Ctx } from "../domain/context.ts";
import { DomainError } from "../domain/errors.ts";
import {
  acceptKey,
  acceptPeering,
  closePeer,
  drainPeer,
  freezePeer,
  proposePeering,
  rejectPeering,
  resumePeer,
  revisePeering,
  unfreezePeer,
} from "../domain/peers/commands.ts";
import { startCopy } from "../domain/peers/copies.ts";
import { readTerms } from "../domain/peers/input.ts";
import { fingerprint, peerList, peerOverview, proposedTerms } from "../domain/peers/overview.ts";
import { type Peer, peerOfHost } from "../domain/peers/queries.ts";
import { inCurrency } from "../domain/peers/rules.ts";
import { transact } from "../domain/transact.ts";
import { say, withDatabase } from "./data.ts";
import { withRemote } from "./remote.ts";

type Options = Record<string, string | undefined>;

/** The hubs that this one exchanges with, without a browser. Each command acts for the hub's first administrator. */
export function addPeerCommands(program: Command): void {
  const peer = program.command("peer").description("hubs that this one exchanges with");

  terms(
    peer
      .command("add <origin>")
      .description("propose to another hub to exchange, or agree to what it proposed (hub.example)"),
  ).action((origin: string, options: Options) =>
    withDatabase((ctx) =>
      withRemote(ctx, async (ctx) => {
        const own = await byOption(async () => readTerms(options, await proposedTerms(ctx)));
        const id = await proposePeering(ctx, await administrator(ctx), { ...own, origin });
        const { peer, fingerprint } = await peerOverview(ctx, id);
        say(
          peer.state === "active"
            ? `${peer.host} and this hub exchange now: ${limits(peer)}.`
            : `Proposed to ${peer.host}. Its administrators answer on their hub.`,
        );
        say(`Its key: ${fingerprint}. Compare it with what its administrators read to you.`);
      }),
    ),
  );

  peer
    .command("list")
    .description("list peers: host, state, what may be owed and what is, when it was last heard")
    .action(() =>
      withDatabase(async (ctx) => {
        const found = await peerList(ctx);
        if (found.length === 0) say("This hub exchanges with no other one yet. See: ayni peer add --help");
        for (const { peer, standing, heard, troubled } of found)
          say(
            [
              peer.host,
              peer.state,
              limits(peer),
              owed(standing?.owed ?? 0n),
              heard === null ? "never heard" : `heard ${heard.toISOString()}`,
              ...(troubled ? ["NEEDS ATTENTION: see /admin/peers"] : []),
            ].join("\t"),
          );
      }),
    );

  terms(peer.command("accept <origin>").description("agree to what another hub proposed")).action(
    decide(async (ctx, acting, { id, host }, options) => {
      await acceptPeering(ctx, acting, id, readTerms(options, await proposedTerms(ctx)));
      const { peer } = await peerOverview(ctx, id);
      say(`${host} and this hub exchange now: ${limits(peer)}.`);
    }),
  );
  terms(peer.command("revise <origin>").description("sign other terms; what is left out stays")).action(
    decide(async (ctx, acting, { id }, options) => {
      const { ours } = await peerOverview(ctx, id);
      await revisePeering(ctx, acting, id, readTerms(options, ours ?? (await proposedTerms(ctx))));
      const { peer } = await peerOverview(ctx, id);
      say(`Signed. What counts now: ${limits(peer)}.`);
    }),
  );
  noted(peer.command("reject <origin>").description("say no to what another hub proposed")).action(
    decide(async (ctx, acting, { id, host }, { note = "" }) => {
      await rejectPeering(ctx, acting, id, note);
      say(`${host} is told that this hub does not want to exchange.`);
    }),
  );
  noted(
    peer.command("drain <origin>").description("begin nothing new with a peer; what is under way ends"),
  ).action(
    decide(async (ctx, acting, { id, host, drainDays }, { note = "" }) => {
      await drainPeer(ctx, acting, id, note);
      say(`Nothing new is begun with ${host}. What is under way has ${drainDays} days.`);
    }),
  );
  peer
    .command("resume <origin>")
    .description("go on with a peer that was to part")
    .action(
      decide(async (ctx, acting, { id, host }) => {
        await resumePeer(ctx, acting, id);
        say(`Organizations may exchange with those of ${host} again.`);
      }),
    );
  noted(
    peer.command("freeze <origin>").description("stop everything with a peer at once (needs --note)"),
  ).action(
    decide(async (ctx, acting, { id, host }, { note = "" }) => {
      await freezePeer(ctx, acting, id, note);
      say(
        `Nothing is decided with ${host}, and nothing it says is believed, until: ayni peer unfreeze ${host}`,
      );
    }),
  );
  noted(peer.command("unfreeze <origin>").description("let it go on (needs --note)")).action(
    decide(async (ctx, acting, { id, host }, { note = "" }) => {
      await unfreezePeer(ctx, acting, id, note);
      say(`The exchange with ${host} goes on as soon as both have compared their books.`);
    }),
  );
  peer
    .command("close <origin>")
    .description("part from a peer, or take a proposal back; only when nothing is open and nothing is owed")
    .action(
      decide(async (ctx, acting, { id, host }) => {
        await closePeer(ctx, acting, id);
        say(`This hub no longer exchanges with ${host}.`);
      }),
    );
  peer
    .command("copy <origin>")
    .description("read all of a peer's organizations, offers and needs again")
    .action(
      decide(async (ctx, _, { id, host }) => {
        await transact(ctx, (ctx) => startCopy(ctx, id, { forced: true }));
        say(`All that ${host} offers and needs is read again while the hub runs. See: /admin/peers`);
      }),
    );
  peer
    .command("key <origin>")
    .description("show the key that a peer signs with now; with --accept believe it")
    .option("--accept <fingerprint>", "the fingerprint that its administrators read to you")
    .action((origin: string, { accept }: Options) =>
      withDatabase((ctx) =>
        withRemote(ctx, async (ctx) => {
          const peer = await named(ctx, origin);
          const { key } = await ctx.remote.resolveHub(peer.origin);
          say(`Accepted:   ${fingerprint(peer.key)}`);
          say(`Signs with: ${fingerprint(key)}`);
          if (accept === undefined) return;
          if (accept.replace(/\s/g, "").toLowerCase() !== fingerprint(key).replace(/\s/g, ""))
            throw new Error(
              "This is not the fingerprint of the key that the hub signs with now. Nothing was accepted.",
            );
          await acceptKey(ctx, await administrator(ctx), peer.id, key);
          say("The key is accepted. The two hubs compare their books before anything else.");
        }),
      ),
    );
}

const terms = (command: Command) =>
  command
    .option("--may-be-owed <hours>", "hours that the other hub may owe this one")
    .option("--may-owe <hours>", "hours that this hub may owe the other one")
    .option("--quote-days <days>", "days that a price stands")
    .option("--dispute-days <days>", "days to settle a dispute")
    .option("--settle-days <days>", "days of silence until work counts as received")
    .option("--drain-days <days>", "days to end what is under way");

const noted = (command: Command) => command.option("--note <text>", "why");

/** An action on a peer that is known here. */
function decide(action: (ctx: Ctx, acting: Acting, peer: Peer, options: Options) => Promise<void>) {
  return (origin: string, options: Options): Promise<void> =>
    withDatabase(async (ctx) => {
      const [acting, peer] = [await administrator(ctx), await named(ctx, origin)];
      await byOption(() => action(ctx, acting, peer, options));
    });
}

/** What is wrong with a field is told by the name of its option. */
async function byOption<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof DomainError) || error.field === undefined) throw error;
    const option = error.field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new DomainError(error.code, `--${option}: ${error.message}`);
  }
}

async function named(ctx: Ctx, origin: string): Promise<Peer> {
  const host = URL.parse(/^https?:\/\//.test(origin) ? origin : `https://${origin}`)?.host ?? origin;
  const peer = await peerOfHost(ctx, host);
  if (peer === null) throw new Error(`${host} is no peer of this hub. See: ayni peer list`);
  return peer;
}

async function administrator(ctx: Ctx): Promise<Acting> {
  const acting = await firstAdministrator(ctx);
  if (acting === null) throw new Error("This hub has no administrator yet. See: ayni setup --help");
  return acting;
}

const hours = (seconds: bigint) => `${formatAmount(inCurrency(seconds, { n: 100n, d: 1n }), 2)} h`;

const limits = ({ theyMayOwe, weMayOwe }: Peer) =>
  `it may owe ${hours(theyMayOwe)}, we may owe ${hours(weMayOwe)}`;

const owed = (seconds: bigint) =>
  seconds === 0n ? "even" : seconds > 0n ? `owes us ${hours(seconds)}` : `we owe ${hours(-seconds)}`;
