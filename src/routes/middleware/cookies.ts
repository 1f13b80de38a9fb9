import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import type { WebContext } from "../env.ts";

/** Cookies ignore ports, and two hubs may share `localhost`: the name carries the port where the origin has one. */
function cookieName(origin: string, name: string): { name: string; secure: boolean } {
  const { protocol, port } = new URL(origin);
  const secure = protocol === "https:";
  return { name: `${secure ? "__Host-" : ""}ayni_${name}${port === "" ? "" : `_${port}`}`, secure };
}

export function readCookie(c: WebContext, origin: string, name: string): string | undefined {
  return getCookie(c, cookieName(origin, name).name);
}

/** Not readable by scripts, not sent across sites; for the session of the browser unless it `expires`. */
export function writeCookie(
  c: WebContext,
  origin: string,
  name: string,
  value: string,
  expires?: Date,
): void {
  const { name: full, secure } = cookieName(origin, name);
  setCookie(c, full, value, {
    path: "/",
    httpOnly: true,
    secure,
    sameSite: "Lax",
    ...(expires === undefined ? {} : { expires }),
  });
}

export function clearCookie(c: WebContext, origin: string, name: string): void {
  const { name: full, secure } = cookieName(origin, name);
  deleteCookie(c, full, { path: "/", secure });
}
