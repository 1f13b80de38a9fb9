import { randomBytes } from "node:crypto";
import { mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createTransport } from "nodemailer";

/** A mail as text; nothing in it is HTML. */
export interface Mail {
  to: string;
  /** Name that stands before the sender's address. */
  fromName: string;
  subject: string;
  text: string;
  /** The same for the same mail: who gets it twice can tell. Local part only. */
  id: string;
  headers: Record<string, string>;
}

export interface Mailer {
  /** Hands a mail over; what is told afterwards is the other server's matter. @throws MailError */
  send(mail: Mail): Promise<void>;
  /** Tries to reach the server and to log in. @throws MailError */
  check(): Promise<void>;
  /** Deletes what was written to files a month ago. */
  sweep(now: Date): Promise<void>;
  close(): void;
}

/** A mail could not be sent; the message holds no addresses. `refused`: this one never can be, trying again is of no use. */
export class MailError extends Error {
  override readonly name = "MailError";
  readonly refused: boolean;

  constructor(message: string, refused: boolean) {
    super(message);
    this.refused = refused;
  }
}

/** Milliseconds. A mail that takes longer than all of it is given up for now, however busy the server seems. */
const TIMEOUTS = {
  connectionTimeout: 10_000,
  greetingTimeout: 10_000,
  dnsTimeout: 10_000,
  socketTimeout: 20_000,
};
const PATIENCE = 60_000;
const KEPT_FILES = 30 * 86_400_000;

/** The mailer that the configuration asks for. */
export function createMailer(config: {
  smtpUrl: string | null;
  mailFrom: string | null;
  dataDir: string;
  origin: string;
}): Mailer {
  const from = config.mailFrom ?? `ayni@${new URL(config.origin).hostname}`;
  return config.smtpUrl === null
    ? createFileMailer({ folder: join(config.dataDir, "mail"), from })
    : createSmtpMailer({ url: config.smtpUrl, from });
}

/** Sends by SMTP: `smtp://` takes STARTTLS where the server has it, `smtps://` is encrypted from the start. */
export function createSmtpMailer(options: {
  url: string;
  from: string;
  timeouts?: Partial<typeof TIMEOUTS>;
}): Mailer {
  const transport = createTransport({
    url: options.url,
    pool: true,
    maxConnections: 2,
    maxRequeues: 1,
    ...TIMEOUTS,
    ...options.timeouts,
  });
  return {
    async send(mail) {
      try {
        await transport.sendMail({ ...message(mail, options.from), signal: AbortSignal.timeout(PATIENCE) });
      } catch (error) {
        throw mailError(error);
      }
    },
    async check() {
      try {
        await transport.verify();
      } catch (error) {
        throw mailError(error);
      }
    },
    sweep: () => Promise.resolve(),
    close: () => transport.close(),
  };
}

/** Writes each mail to a file `.eml` instead: for development, and until a server for mails is named. */
export function createFileMailer(options: { folder: string; from: string }): Mailer {
  const transport = createTransport({ streamTransport: true, buffer: true, newline: "unix" });
  const { folder } = options;
  return {
    async send(mail) {
      const { message: bytes } = await transport.sendMail(message(mail, options.from));
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const path = join(folder, `${Date.now()}-${randomBytes(4).toString("hex")}`);
      await writeFile(`${path}.part`, bytes as Buffer, { mode: 0o600 });
      await rename(`${path}.part`, `${path}.eml`);
    },
    check: () => Promise.resolve(),
    async sweep(now) {
      const files = await readdir(folder).catch(() => []);
      for (const file of files.filter((name) => name.endsWith(".eml"))) {
        const { mtimeMs } = await stat(join(folder, file));
        if (mtimeMs < now.getTime() - KEPT_FILES) await rm(join(folder, file), { force: true });
      }
    },
    close: () => {},
  };
}

function message({ to, fromName, subject, text, id, headers }: Mail, from: string) {
  const host = from.slice(from.lastIndexOf("@") + 1);
  return {
    from: { name: fromName, address: from },
    to: { name: "", address: to },
    subject,
    text,
    messageId: `<${id}@${host}>`,
    // RFC 3834: nobody's out-of-office answer should come back.
    headers: { ...headers, "Auto-Submitted": "auto-generated" },
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

/** What nodemailer says of a failure. */
interface SmtpFailure {
  message: string;
  code?: string;
  command?: string;
  responseCode?: number;
}

function mailError(error: unknown): MailError {
  const { message, code, command, responseCode } = error as SmtpFailure;
  // A refused login or sender is the configuration's fault: the mail is good, and goes out when that is mended.
  const refused = (responseCode ?? 0) >= 500 && (command === "RCPT TO" || command === "DATA");
  const text = message.replace(/[^\s<>"]+@[^\s<>"]+/g, "…").slice(0, 300);
  return new MailError(`${code ?? "mail"}: ${text}`, refused);
}
