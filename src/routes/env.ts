import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";
import type { Viewer } from "../domain/accounts/queries.ts";
import type { Ctx } from "../domain/context.ts";
import type { HubView } from "../domain/hubs/queries.ts";
import type { Locale, T } from "../locales/index.ts";

/** What routes are made with. */
export interface RouteOptions {
  ctx: Ctx;
  /** Addresses of the built style sheet and browser code. */
  assets: { style: string; script: string | null };
  /** The client's address, from the socket or a trusted proxy. */
  clientAddress(c: Context): string;
}

/** What the middleware has found out by the time a route runs. */
export interface Env {
  Bindings: HttpBindings;
  Variables: {
    hub: HubView | null;
    viewer: Viewer | null;
    locale: Locale;
    t: T;
    /** How many agreements wait for the viewer. */
    waiting: number | undefined;
  };
}

export type WebContext = Context<Env>;

/** Does this request only ask? HEAD is answered as GET is, without the body (RFC 9110, 9.3.2). */
export function isRead(c: WebContext): boolean {
  return c.req.method === "GET" || c.req.method === "HEAD";
}
