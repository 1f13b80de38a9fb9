import { type ChildProcess, fork } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { createServer, type Socket } from "node:net";
import { drive, type Outcome } from "./client.ts";
import { createNote, type Sender, signedPost } from "./message.ts";

/** Processes beside the hub: who sends to it, and who takes what it sends. They talk with the benchmark over Node's IPC. */
export type HelperTask =
  /** Makes senders and answers their keys. */
  | { do: "senders"; count: number }
  /** Writes and signs deliveries beforehand; `round` makes them different from earlier ones. */
  | { do: "prepare"; host: string; count: number; round: string }
  /** Sends what was prepared. */
  | { do: "deliver"; port: number; connections: number }
  /** Asks for one address again and again. */
  | { do: "get"; port: number; connections: number; lines: string[]; milliseconds: number }
  /** Listens on so many ports as other servers, and answers them. */
  | { do: "sink"; servers: number }
  /** Answers how often and how the listening ports were delivered to since the last time, once it was `count` times. */
  | { do: "received"; count: number };

export interface Helper {
  ask<T>(task: HelperTask): Promise<T>;
  end(): void;
}

/** One sender's identity, as the hub knows it. */
export interface SenderKey {
  iri: string;
  publicKey: string;
}

export interface Received {
  deliveries: number;
  /** Different addresses among them. */
  inboxes: number;
  /** Without a signature or digest. */
  unsigned: number;
}

/** Starts a helper: this program again, in a process of its own. */
export function startHelper(): Helper {
  const child: ChildProcess = fork(import.meta.filename, ["--helper"], { serialization: "advanced" });
  const gone = Promise.withResolvers<never>();
  gone.promise.catch(() => {});
  child.once("exit", () => gone.reject(new Error("a helper of the benchmark ended")));
  return {
    ask<T>(task: HelperTask) {
      const answer = new Promise<T>((resolve, reject) => {
        child.once("message", (message: { error?: string; value?: T }) =>
          message.error === undefined ? resolve(message.value as T) : reject(new Error(message.error)),
        );
        child.send(task);
      });
      return Promise.race([answer, gone.promise]);
    },
    end: () => child.disconnect(),
  };
}

/** What a helper process does until its parent lets go of it. */
export function runHelper(): void {
  let senders: Sender[] = [];
  let prepared: Buffer[] = [];
  const sink = createSink();
  process.once("disconnect", () => process.exit());
  process.on("message", (task: HelperTask) => {
    handle(task).then(
      (value) => process.send?.({ value }),
      (error: Error) => process.send?.({ error: error.message }),
    );
  });

  async function handle(task: HelperTask): Promise<unknown> {
    switch (task.do) {
      case "senders": {
        const made = makeSenders(task.count);
        senders = made.map(({ sender }) => sender);
        return made.map(({ sender, publicKey }): SenderKey => ({ iri: sender.iri, publicKey }));
      }
      case "prepare":
        prepared = Array.from({ length: task.count }, (_, index) => {
          const sender = senders[index % senders.length]!;
          const now = new Date();
          const body = createNote(sender.iri, `${task.round}-${index}`, now);
          return signedPost(task.host, "/inbox", body, sender, now);
        });
        return Buffer.byteLength(prepared[0] ?? "");
      case "deliver": {
        let index = 0;
        return drive(task.port, task.connections, () => prepared[index++]);
      }
      case "get": {
        const request = Buffer.from([...task.lines, "", ""].join("\r\n"));
        const end = performance.now() + task.milliseconds;
        return drive(task.port, task.connections, () => (performance.now() < end ? request : undefined));
      }
      case "sink":
        return sink.listen(task.servers);
      case "received":
        return sink.received(task.count);
    }
  }
}

function makeSenders(count: number): { sender: Sender; publicKey: string }[] {
  return Array.from({ length: count }, (_, index) => {
    const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const iri = `https://sender-${index}.invalid/users/sender`;
    const publicKey = pair.publicKey.export({ type: "spki", format: "pem" }).toString();
    return { sender: { iri, privateKey: pair.privateKey }, publicKey };
  });
}

const ACCEPTED = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";

/** Servers that accept every delivery: bare sockets too, for the same reason as in `drive`. */
function createSink() {
  let inboxes = new Set<string>();
  let deliveries = 0;
  let unsigned = 0;
  let waiting: { count: number; resolve(received: Received): void } | null = null;

  function take(port: number, head: string): void {
    deliveries++;
    inboxes.add(`${port} ${head.slice(0, head.indexOf("\r\n"))}`);
    if (!/\r\nsignature: /i.test(head) || !/\r\n(content-)?digest: /i.test(head)) unsigned++;
    tell();
  }

  function tell(): void {
    if (waiting === null || deliveries < waiting.count) return;
    waiting.resolve({ deliveries, inboxes: inboxes.size, unsigned });
    inboxes = new Set();
    deliveries = 0;
    unsigned = 0;
    waiting = null;
  }

  function serve(socket: Socket): void {
    let rest: Buffer = Buffer.alloc(0);
    socket.setNoDelay(true);
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk: Buffer) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      for (;;) {
        const end = rest.indexOf("\r\n\r\n");
        if (end === -1) return;
        const head = rest.toString("latin1", 0, end + 2);
        const length = end + 4 + Number(/\r\ncontent-length: (\d+)\r\n/i.exec(head)?.[1] ?? 0);
        if (rest.length < length) return;
        rest = rest.subarray(length);
        take(socket.localPort ?? 0, head);
        socket.write(ACCEPTED);
      }
    });
  }

  return {
    async listen(servers: number): Promise<number[]> {
      const ports = Array.from({ length: servers }, async () => {
        const server = createServer(serve);
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        const address = server.address();
        return typeof address === "object" && address !== null ? address.port : 0;
      });
      return Promise.all(ports);
    },
    received(count: number): Promise<Received> {
      return new Promise((resolve) => {
        waiting = { count, resolve };
        tell();
      });
    },
  };
}

export type { Outcome };
