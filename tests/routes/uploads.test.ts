import { readdir } from "node:fs/promises";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";
import { expect, test } from "vitest";
import { DomainError, ERROR_STATUS } from "../../src/domain/errors.ts";
import { saveImage } from "../../src/domain/media/commands.ts";
import { FILE_MAX } from "../../src/domain/media/rules.ts";
import type { Env } from "../../src/routes/env.ts";
import { parseMultipart, withFiles } from "../../src/routes/web/uploads.ts";
import { endLater } from "../support/database.ts";
import { jpeg } from "../support/files.ts";
import { startHub, type TestHub } from "../support/hub.ts";
import { multipart, type SentFile } from "../support/uploads.ts";
import { visitor } from "../support/visitor.ts";

interface Answer {
  fields: Record<string, string>;
  files: { name: string; bytes: number; same: boolean }[];
  code?: string;
}

/** A page that takes forms with files, and how many it works on at once. */
async function taker(hub: TestHub, expected?: Buffer) {
  let running = 0;
  const seen = { most: 0 };
  const app = new Hono<Env>().post("/", async (c) => {
    try {
      return await withFiles(hub.ctx, c, async (fields, filesOf) => {
        seen.most = Math.max(seen.most, ++running);
        try {
          const found = filesOf("photo");
          if (fields.save !== undefined)
            for (const file of found) await saveImage(hub.ctx, hub.admin, file, { open: true });
          const files = found.map(({ name, bytes }) => ({
            name,
            bytes: bytes.length,
            same: expected?.equals(bytes) ?? false,
          }));
          return c.json({ fields, files } satisfies Answer);
        } finally {
          running--;
        }
      });
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      return c.json(
        { fields: {}, files: [], code: error.code } satisfies Answer,
        ERROR_STATUS[error.code] as 400,
      );
    }
  });
  const server = createServer(getRequestListener(app.fetch, { overrideGlobalObjects: false }));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  endLater(() => new Promise((resolve) => server.close(() => resolve())));
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;

  async function send(
    fields: Record<string, string>,
    files: SentFile[],
  ): Promise<{ status: number } & Answer> {
    const { body, type } = multipart(fields, files);
    const reply = await visitor({ origin }).send("POST", "/", { "content-type": type }, body);
    return { status: reply.status, ...(JSON.parse(reply.body) as Answer) };
  }
  return { send, seen, port };
}

test("a form with files arrives byte for byte, and nothing of it stays behind", async () => {
  const hub = await startHub();
  const bytes = Buffer.concat([
    Buffer.from("\r\n--\r\n\r\n----WebKit\r\n"),
    Buffer.from([...Array(256).keys()]),
  ]);
  const { send } = await taker(hub, bytes);
  const answer = await send({ name: "Taller\nde dos", empty: "", __proto__x: "1" }, [
    { field: "photo", name: 'ñandú "1";x=\r\n.jpg', bytes },
    { field: "photo", name: "", bytes: Buffer.alloc(0) },
    { field: "other", name: "a.txt", bytes: Buffer.from("x") },
  ]);
  expect(answer).toEqual({
    status: 200,
    fields: { name: "Taller\r\nde dos", empty: "", __proto__x: "1" },
    files: [{ name: 'ñandú "1";x=\r\n.jpg', bytes: bytes.length, same: true }],
  });
  expect(await readdir(join(hub.dataDir, "media", "incoming"))).toEqual([]);
});

test("too much is refused before it is kept, whether it is announced or not", async () => {
  const hub = await startHub();
  const { send, port } = await taker(hub);
  const photo = (name: string, size = 10): SentFile => ({ field: "photo", name, bytes: Buffer.alloc(size) });
  const five = Array.from({ length: 5 }, (_, n) => photo(`${n}.jpg`));
  expect(await send({}, five)).toMatchObject({ status: 422, code: "too_many_files" });
  expect(await send({ text: "x".repeat(300_000) }, [photo("a")])).toMatchObject({
    status: 422,
    code: "too_long",
  });
  expect(await send({ save: "1" }, [photo("a", FILE_MAX + 1)])).toMatchObject({
    status: 413,
    code: "too_large",
  });
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`f${n}`, "1"]));
  expect(await send(many, [])).toMatchObject({ status: 422, code: "invalid" });

  const announced = await started(port, { "content-length": "99999999999" }, 0);
  expect(announced).toBe(413);
  const endless = await started(port, { "transfer-encoding": "chunked" }, 45);
  expect(endless).toBe(413);
  expect(await readdir(join(hub.dataDir, "media", "incoming"))).toEqual([]);
});

/** The status of a form whose end never comes, after so many megabytes at most. */
function started(port: number, headers: Record<string, string>, megabytes: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request({
      port,
      method: "POST",
      headers: { ...headers, "content-type": "multipart/form-data; boundary=x" },
    });
    outgoing.on("response", (response) => {
      resolve(response.statusCode ?? 0);
      outgoing.destroy();
    });
    outgoing.on("error", reject);
    outgoing.flushHeaders();
    const chunk = Buffer.alloc(1024 * 1024);
    const write = (left: number) => {
      if (left > 0 && !outgoing.destroyed) outgoing.write(chunk, () => write(left - 1));
    };
    write(megabytes);
  });
}

const part = (head: string, body = "x") => `--b\r\n${head}\r\n\r\n${body}\r\n`;
const FIELD = 'Content-Disposition: form-data; name="a"';

test.each([
  ["nothing", ""],
  ["no boundary", "hello"],
  ["another boundary", part(FIELD).replace("--b", "--c")],
  ["no end", part(FIELD)],
  ["half a part", part(FIELD).slice(0, 30)],
  ["a part without a name", `${part("Content-Disposition: form-data")}--b--`],
  ["a part that is no field", `${part('Content-Disposition: attachment; name="a"')}--b--`],
  ["an endless head", `${part(`${FIELD}\r\nx: ${"y".repeat(3_000)}`)}--b--`],
  ["words behind the boundary", `--b \r\n${FIELD}\r\n\r\nx\r\n--b--`],
])("a form that is not whole: %s", (_, body) => {
  expect(() => parseMultipart(Buffer.from(body), "b")).toThrow(expect.objectContaining({ code: "invalid" }));
});

test("fifty uploads at once are worked off two by two", async () => {
  const hub = await startHub();
  const photo = await jpeg();
  const { send, seen } = await taker(hub);
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, n) =>
      send({ save: "1" }, [{ field: "photo", name: `${n}.jpg`, bytes: photo }]),
    ),
  );
  expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(200));
  expect(seen.most).toBe(2);
  expect(await readdir(join(hub.dataDir, "media", "incoming"))).toEqual([]);
}, 180_000);
