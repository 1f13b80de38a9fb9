import type { Command } from "commander";
import { fingerprint, ownFingerprint } from "../domain/peers/overview.ts";
import { listPeers } from "../domain/peers/queries.ts";
import { rememberHubKey, rotateHubKey } from "../federation/rotation.ts";
import { say, withDatabase } from "./data.ts";

/** The hub's own Ed25519 key, which its peers have accepted. Each works beside a running hub as well as without one. */
export function addKeyCommands(program: Command): void {
  const keys = program.command("keys").description("the key that this hub signs with");

  keys
    .command("show")
    .description("show the fingerprint that administrators of other hubs compare")
    .action(() => withDatabase(async (ctx) => say(await ownFingerprint(ctx))));

  keys
    .command("rotate")
    .description("sign with a new key from now on; peers wait until their administrators have accepted it")
    .action(() =>
      withDatabase(async (ctx) => {
        const { key, before } = await rotateHubKey(ctx);
        const waiting = (await listPeers(ctx)).filter(({ state }) => WAITS.has(state));
        say(`The hub signs with a new key: ${fingerprint(key)}`);
        say(`It was:                       ${fingerprint(before)}`);
        say("What was signed with the old key stays proven; nobody can sign with it any more.");
        if (waiting.length > 0) {
          say("\nUntil their administrators accept the new key, nothing is settled with:");
          for (const { host } of waiting) say(`  ${host}`);
          say("Call them, and read the new fingerprint to them. On their hub they compare it and accept it:");
          say(`  ayni peer key ${ctx.hub.host} --accept "<fingerprint>"   (or Administration, Peers)`);
          say("Payments that are under way wait meanwhile; none is lost.");
        }
        say("\nMake a backup now (ayni backup): older ones do not have this key.");
        say("Should you ever restore an older one, tell that hub of this key first, and then rotate again:");
        say(`  ayni keys remember ${key}`);
      }),
    );

  keys
    .command("remember <key>")
    .description(
      "after a restore: believe what this hub signed with a key that the backup does not have (z6Mk…)",
    )
    .action((key: string) =>
      withDatabase(async (ctx) => {
        const fresh = await rememberHubKey(ctx, key);
        say(fresh ? "What was signed with it is believed again." : "This hub knows the key already.");
      }),
    );
}

const WAITS: ReadonlySet<string> = new Set(["active", "draining", "frozen", "proposed"]);
