import { z } from "@hono/zod-openapi";
import { publicPeers } from "../../domain/peers/overview.ts";
import type { Api } from "./operation.ts";
import { Time } from "./schemas.ts";

const Hours = z.string().openapi({ description: "Seconds of an hour of work.", example: "180000" });

const Peer = z
  .strictObject({
    name: z.string(),
    origin: z.string(),
    state: z.enum(["active", "draining"]).openapi({ description: "draining: nothing new is begun." }),
    since: Time,
    theyMayOwe: Hours,
    weMayOwe: Hours,
    given: Hours.openapi({ description: "What organizations of this hub gave, in all." }),
    received: Hours,
    exchanges: z.string().openapi({ example: "12" }),
  })
  .openapi("Peer");

/** What anybody may know of the hubs that this one exchanges with. */
export function peerRoutes({ operation }: Api): void {
  operation({
    method: "get",
    path: "/peers",
    id: "listPeers",
    tag: "Hub",
    scope: null,
    summary: "Hubs that this one exchanges with: limits and totals, never whose",
    answer: z.array(Peer),
    async run({ ctx }) {
      const peers = await publicPeers(ctx);
      return {
        body: peers.map(
          ({ name, origin, state, since, theyMayOwe, weMayOwe, given, received, exchanges }) => ({
            ...{ name, origin, state, since: since.toISOString() },
            theyMayOwe: theyMayOwe.toString(),
            weMayOwe: weMayOwe.toString(),
            given: given.toString(),
            received: received.toString(),
            exchanges: exchanges.toString(),
          }),
        ),
      };
    },
  });
}
