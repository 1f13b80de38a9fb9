import { type IncomingHttpHeaders, request } from "node:http";

export interface WebAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A small browser: cookies, forms and their origin, no scripts. */
export interface WebClient {
  get(path: string, headers?: Record<string, string>): Promise<WebAnswer>;
  /** Sends a form, as its page would. */
  post(path: string, fields: Record<string, string>): Promise<WebAnswer>;
  logIn(login: string, password: string): Promise<void>;
}

/** @param origin the hub's, `http://localhost:4000` */
export function webClient(origin: string): WebClient {
  const cookies = new Map<string, string>();
  const { hostname, port, host } = new URL(origin);

  function send(method: string, path: string, headers: Record<string, string>, body?: string) {
    const { promise, resolve, reject } = Promise.withResolvers<WebAnswer>();
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const all = { host, accept: "text/html", ...(cookie === "" ? {} : { cookie }), ...headers };
    const address = hostname === "localhost" ? "127.0.0.1" : hostname;
    const outgoing = request(
      { method, host: address, port, path, headers: all, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        for (const line of response.headers["set-cookie"] ?? []) keep(line);
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const { statusCode = 0, headers } = response;
          resolve({ status: statusCode, headers, body: Buffer.concat(chunks).toString() });
        });
      },
    );
    outgoing.on("error", reject);
    outgoing.end(body);
    return promise;
  }

  function keep(line: string): void {
    const [pair = ""] = line.split(";");
    const [name = "", value = ""] = [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)];
    if (/;\s*max-age=0/i.test(line) || value === "") cookies.delete(name);
    else cookies.set(name, value);
  }

  const client: WebClient = {
    get: (path, headers = {}) => send("GET", path, headers),
    post(path, fields) {
      const type = "application/x-www-form-urlencoded";
      return send("POST", path, { origin, "content-type": type }, new URLSearchParams(fields).toString());
    },
    async logIn(login, password) {
      const { status, body } = await client.post("/login", { email: login, password });
      if (status !== 303) throw new Error(`The login was answered ${status}: ${body.slice(0, 500)}`);
    },
  };
  return client;
}
