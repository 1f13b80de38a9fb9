import { type IncomingHttpHeaders, request } from "node:http";
import { PASSWORD } from "./hub.ts";

export interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
  /** As it was sent, compressed or not. */
  bytes: Buffer;
}

/** A form's fields; several of the same name, or bytes that are no text, as a string that is encoded already. */
export type Fields = Record<string, string> | string;

/** Somebody with a browser, seen from the network: keeps cookies, and sends what a browser sends along with a form. */
export interface Visitor {
  cookies: Map<string, string>;
  get(path: string, headers?: Record<string, string>): Promise<Reply>;
  submit(path: string, fields: Fields, headers?: Record<string, string | null>): Promise<Reply>;
  send(
    method: string,
    path: string,
    headers?: Record<string, string | null>,
    body?: string | Buffer,
  ): Promise<Reply>;
}

/**
 * @param hub who is visited; paths are sent as they are written, however malformed
 */
export function visitor(hub: { origin: string }, locale = "es"): Visitor {
  const { hostname, port } = new URL(hub.origin);
  const cookies = new Map<string, string>();

  async function send(
    method: string,
    path: string,
    headers: Record<string, string | null> = {},
    body?: string | Buffer,
  ): Promise<Reply> {
    const all: Record<string, string | null> = {
      accept: "text/html",
      "accept-language": locale,
      cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; "),
      ...headers,
    };
    const given = Object.fromEntries(
      Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null),
    );
    const reply = await new Promise<Reply>((resolve, reject) => {
      const outgoing = request({ agent: false, hostname, port, method, path, headers: given }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const bytes = Buffer.concat(chunks);
          const { statusCode = 0, headers } = response;
          resolve({ status: statusCode, headers, body: bytes.toString(), bytes });
        });
      });
      outgoing.on("error", reject);
      outgoing.end(body);
    });
    for (const cookie of reply.headers["set-cookie"] ?? []) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (/max-age=0/i.test(cookie)) cookies.delete(name);
      else cookies.set(name, value);
    }
    return reply;
  }

  return {
    cookies,
    send,
    get: (path, headers) => send("GET", path, headers),
    submit: (path, fields, headers) =>
      send(
        "POST",
        path,
        {
          "content-type": "application/x-www-form-urlencoded",
          origin: hub.origin,
          "sec-fetch-site": "same-origin",
          ...headers,
        },
        typeof fields === "string" ? fields : new URLSearchParams(fields).toString(),
      ),
  };
}

/** Somebody who has logged in by the form. */
export async function loggedIn(hub: { origin: string }, handle = "ana", locale = "es"): Promise<Visitor> {
  const visit = visitor(hub, locale);
  const { status, body } = await visit.submit("/login", { email: handle, password: PASSWORD });
  if (status !== 303) throw new Error(`The login was answered ${status}: ${body.slice(0, 500)}`);
  return visit;
}
