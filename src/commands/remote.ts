import { readConfig } from "../config.ts";
import type { Ctx } from "../domain/context.ts";
import { installEgress } from "../federation/egress.ts";
import { createKeyring } from "../federation/keyring.ts";
import { createRemote, httpAllowed } from "../federation/remote.ts";
import { iriCheck } from "../federation/vocab/parse.ts";
import { VERSION } from "../version.ts";

/** Lets a command ask other servers, as the running hub does. */
export function withRemote<T>(ctx: Ctx, fn: (ctx: Ctx) => Promise<T>): Promise<T> {
  const { egressAllow } = readConfig();
  installEgress({ allow: egressAllow, userAgent: `Ayni/${VERSION} (+${ctx.hub.origin})` });
  const allowHttp = httpAllowed(egressAllow);
  const remote = createRemote({ ctx, keyring: createKeyring(ctx), check: iriCheck(allowHttp), allowHttp });
  return fn({ ...ctx, remote });
}
