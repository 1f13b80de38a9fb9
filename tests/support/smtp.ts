import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { SMTPServer } from "smtp-server";
import { endLater } from "./database.ts";

export interface SmtpServer {
  url: string;
  /** What was taken, as it was sent. */
  taken: { from: string; to: string[]; raw: string }[];
  /** How often somebody named a recipient. */
  tries: number;
  /** With which code the next recipients are refused; null: they are taken. */
  refuse: number | null;
}

/** A mail server on this machine that takes everything, until it is told to refuse. */
export async function startSmtp(): Promise<SmtpServer> {
  const state: SmtpServer = { url: "", taken: [], tries: 0, refuse: null };
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["AUTH", "STARTTLS"],
    disableReverseLookup: true,
    onRcptTo({ address }, _, done) {
      state.tries++;
      if (state.refuse === null) return done();
      done(Object.assign(new Error(`<${address}> is not taken`), { responseCode: state.refuse }));
    },
    onData(stream, { envelope }, done) {
      void text(stream).then((raw) => {
        const from = envelope.mailFrom === false ? "" : envelope.mailFrom.address;
        state.taken.push({ from, to: envelope.rcptTo.map(({ address }) => address), raw });
        done();
      });
    },
  });
  server.on("error", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  endLater(() => new Promise((resolve) => server.close(() => resolve())));
  state.url = `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
  return state;
}

/** Takes connections and never says a word. */
export async function startSilence(): Promise<{ url: string; connections(): number; stop(): void }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const stop = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  endLater(async () => stop());
  return {
    url,
    stop,
    connections: () => sockets.length,
  };
}

/** A header of a mail, unfolded; encoded words decoded (RFC 2047, UTF-8 only). */
export function headerOf(raw: string, name: string): string {
  const head = raw.slice(0, raw.search(/\r?\n\r?\n/)).replace(/\r?\n[ \t]+/g, " ");
  const value = new RegExp(`^${name}: (.*)$`, "im").exec(head)?.[1] ?? "";
  return value
    .replace(/\?=\s+=\?/g, "?==?")
    .replace(/=\?utf-8\?([qb])\?([^?]*)\?=/gi, (_, how: string, word: string) =>
      how.toLowerCase() === "b"
        ? Buffer.from(word, "base64").toString("latin1")
        : quotedPrintable(word.replaceAll("_", " ")),
    )
    .replace(/[\x80-\xff]+/g, (bytes) => Buffer.from(bytes, "latin1").toString("utf8"));
}

/** The text of a mail that has no other parts. */
export function bodyOf(raw: string): string {
  const body = raw.slice(raw.search(/\r?\n\r?\n/)).trimStart();
  const encoding = headerOf(raw, "content-transfer-encoding").toLowerCase();
  const bytes =
    encoding === "base64"
      ? Buffer.from(body, "base64").toString("latin1")
      : encoding === "quoted-printable"
        ? quotedPrintable(body.replace(/=\r?\n/g, ""))
        : body;
  return Buffer.from(bytes, "latin1").toString("utf8").replaceAll("\r\n", "\n");
}

function quotedPrintable(text: string): string {
  return text.replace(/=([0-9a-f]{2})/gi, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}
