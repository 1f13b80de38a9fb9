import { createMiddleware } from "hono/factory";
import { secureHeaders } from "hono/secure-headers";
import { DomainError } from "../../domain/errors.ts";
import type { Env } from "../env.ts";

/** Headers of every page (OWASP ASVS 5.0, V3). Nothing from anywhere else runs, loads or frames. */
export function pageHeaders(origin: string) {
  const https = origin.startsWith("https:");
  return secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      // Avatars of remote actors are not fetched by the reader's browser: it would tell their server who reads.
      imgSrc: ["'self'", "data:"],
      fontSrc: ["'self'"],
      connectSrc: ["'self'"],
      formAction: ["'self'"],
      baseUri: ["'none'"],
      objectSrc: ["'none'"],
      frameAncestors: ["'none'"],
      manifestSrc: ["'self'"],
      ...(https ? { upgradeInsecureRequests: [] } : {}),
    },
    strictTransportSecurity: https ? "max-age=63072000; includeSubDomains" : false,
    referrerPolicy: "same-origin",
    crossOriginOpenerPolicy: "same-origin",
    crossOriginResourcePolicy: "same-origin",
    xFrameOptions: "DENY",
    permissionsPolicy: { camera: [], microphone: [], geolocation: [], payment: [], usb: [] },
  });
}

/** Headers of what is no page: should a browser open it all the same, nothing in it runs, loads or frames. */
export const DATA_HEADERS = {
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
};

/** Gives everything the headers of data. Set before anything answers; pages then set their own. */
export const dataHeaders = createMiddleware(async (c, next) => {
  for (const [name, value] of Object.entries(DATA_HEADERS)) c.header(name, value);
  await next();
});

/**
 * Refuses state changes that another site causes. Browsers say where a request comes from (`Sec-Fetch-Site`, `Origin`);
 * one that says neither is not a browser's form and is refused too, since session cookies are a browser's matter.
 */
export function sameSiteOnly(origin: string) {
  return createMiddleware<Env>(async (c, next) => {
    if (c.req.method !== "GET" && c.req.method !== "HEAD" && c.req.method !== "OPTIONS") {
      const site = c.req.header("sec-fetch-site");
      const from = c.req.header("origin");
      const own = from === undefined ? site === "same-origin" : from === origin;
      if (!own || (site !== undefined && site !== "same-origin" && site !== "none")) {
        throw new DomainError("cross_site", `this form must be sent from ${origin}`);
      }
    }
    await next();
  });
}
