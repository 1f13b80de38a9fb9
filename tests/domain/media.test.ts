import { buffer } from "node:stream/consumers";
import { eq } from "drizzle-orm";
import sharp from "sharp";
import { expect, test } from "vitest";
import type { Id } from "../../src/db/ids.ts";
import { media } from "../../src/db/schema/media.ts";
import { createAccount } from "../../src/domain/accounts/commands.ts";
import type { Acting, Ctx } from "../../src/domain/context.ts";
import { DomainError, type ErrorCode } from "../../src/domain/errors.ts";
import { saveDocument, saveImage, sweepMedia, thumbnailName } from "../../src/domain/media/commands.ts";
import { mediaById } from "../../src/domain/media/queries.ts";
import { documentType, FILE_MAX, fileName } from "../../src/domain/media/rules.ts";
import { rollbackDatabase } from "../support/database.ts";
import { domainContext } from "../support/domain.ts";
import { blackPng, docx, gif, jpeg, noise, odt, PDF, pngWithText, zip } from "../support/files.ts";

const HTML = Buffer.from("<!doctype html><script>alert(1)</script>");
const SVG = Buffer.from(`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`);

async function uploader(): Promise<{ ctx: Ctx; acting: Acting; advance(milliseconds: number): void }> {
  let ahead = 0;
  const ctx = domainContext(await rollbackDatabase(), () => new Date(Date.now() + ahead));
  const acting = await createAccount(ctx, {
    handle: "ana",
    email: "ana@example.org",
    password: "correct horse battery staple",
    locale: "es",
  });
  return {
    ctx,
    acting,
    advance(milliseconds) {
      ahead += milliseconds;
    },
  };
}

const named = (bytes: Uint8Array, name = "foto.jpg") => ({ field: "photo", name, bytes });

async function stored(ctx: Ctx, id: Id, thumbnail = false): Promise<Buffer> {
  const { sha256 } = await mediaById(ctx, id);
  const file = await ctx.files.read(thumbnail ? thumbnailName(sha256) : sha256);
  return buffer(file!.stream());
}

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => "kept",
    (error: unknown) => (error instanceof DomainError ? `${error.code} ${error.field}` : String(error)),
  );

test("a photo becomes a smaller one, upright, with a thumbnail that is light", async () => {
  const { ctx, acting } = await uploader();
  const large = await jpeg(2400, 2400);
  const id = await saveImage(ctx, acting, named(large), { description: "  Ruido  ", open: true });
  const row = await mediaById(ctx, id);
  expect(row).toMatchObject({
    kind: "image",
    type: "image/webp",
    name: "foto.webp",
    description: "Ruido",
    width: 1600,
    height: 1600,
    open: true,
    ownerId: acting.actorId,
  });
  const kept = await stored(ctx, id);
  expect(kept.length).toBe(row.bytes);
  expect(await sharp(kept).metadata()).toMatchObject({ format: "webp", width: 1600, height: 1600 });
  const restless = await saveImage(ctx, acting, named(await noise(500)), { open: true });
  for (const image of [id, restless]) {
    const thumbnail = await stored(ctx, image, true);
    expect(thumbnail.length).toBeLessThan(40_000);
    expect((await sharp(thumbnail).metadata()).width).toBeLessThanOrEqual(480);
  }

  const turned = await sharp(await jpeg(80, 40))
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer();
  const upright = await saveImage(ctx, acting, named(turned), { open: true });
  expect(await mediaById(ctx, upright)).toMatchObject({ width: 40, height: 80 });
});

test("nothing that a camera or a program wrote into an image is kept", async () => {
  const { ctx, acting } = await uploader();
  const secret = "Rosa Yupanqui, -16.5000, -68.1500";
  const photo = await sharp(await jpeg())
    .withExif({ IFD0: { Artist: secret, Copyright: secret }, IFD3: { GPSLatitude: "16/1 30/1 0/1" } })
    .withXmp(`<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF>${secret}</rdf:RDF></x:xmpmeta>`)
    .jpeg()
    .toBuffer();
  const polyglot = Buffer.concat([await pngWithText(secret), HTML, Buffer.from(secret)]);
  for (const bytes of [photo, polyglot]) {
    expect(bytes.includes("Rosa")).toBe(true);
    const id = await saveImage(ctx, acting, named(bytes), { open: true });
    for (const thumbnail of [false, true]) {
      const kept = await stored(ctx, id, thumbnail);
      expect(kept.includes("Rosa")).toBe(false);
      expect(kept.includes("<script")).toBe(false);
      const { exif, xmp, icc, iptc } = await sharp(kept).metadata();
      expect([exif, xmp, icc, iptc]).toEqual([undefined, undefined, undefined, undefined]);
    }
  }
});

test("what is no image, or one that would burst, is refused by its bytes, quickly and in little memory", async () => {
  const { ctx, acting } = await uploader();
  const whole = await jpeg();
  const before = process.memoryUsage.rss();
  const wrong: Record<string, Buffer> = {
    "a page": HTML,
    "a drawing with a script": SVG,
    "JSON that says it is an activity": Buffer.from(`{"@context":"https://www.w3.org/ns/activitystreams"}`),
    nothing: Buffer.alloc(0),
    "a JPEG that ends early": whole.subarray(0, whole.length / 2),
    "only the beginning of a PNG": Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    "30,000 by 30,000 pixels": blackPng(30_000, 30_000),
    "one pixel by 40,000": blackPng(40_000, 1),
    "40,000 pixels by one": blackPng(1, 40_000),
    "a TIFF": await sharp(whole).tiff().toBuffer(),
    "a PDF": PDF,
  };
  for (const [what, bytes] of Object.entries(wrong)) {
    expect(await codeOf(saveImage(ctx, acting, named(bytes, "foto.png"), { open: true })), what).toBe(
      "not_an_image photo",
    );
  }
  expect(process.memoryUsage.rss() - before).toBeLessThan(300e6);
  const large = Buffer.concat([whole, Buffer.alloc(FILE_MAX)]);
  expect(await codeOf(saveImage(ctx, acting, named(large), { open: true }))).toBe("too_large photo");
  const still = await saveImage(ctx, acting, named(gif(10_000), "x.gif"), { open: true });
  expect((await sharp(await stored(ctx, still)).metadata()).pages ?? 1).toBe(1);
});

test("thin and tiny images are no trouble", async () => {
  const { ctx, acting } = await uploader();
  for (const [width, height] of [
    [1, 1],
    [1, 20_000],
    [20_000, 1],
  ] as const) {
    const id = await saveImage(ctx, acting, named(blackPng(width, height)), { open: true });
    const row = await mediaById(ctx, id);
    expect(Math.max(row.width ?? 0, row.height ?? 0)).toBeLessThanOrEqual(1600);
  }
});

test("documents are told by their bytes and named by people", async () => {
  const { ctx, acting } = await uploader();
  const cases: [bytes: Buffer, name: string, kept: string, type: string][] = [
    [PDF, "Convenio (final).PDF", "Convenio (final).pdf", "application/pdf"],
    [odt(), "acta.zip", "acta.odt", "application/vnd.oasis.opendocument.text"],
    [
      docx(),
      "informe",
      "informe.docx",
      "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ],
    [Buffer.from("a;b\n1;ñ\n"), "lista.csv", "lista.csv", "text/plain"],
    [Buffer.from("Hola"), "../../etc/passwd", "passwd.txt", "text/plain"],
  ];
  for (const [bytes, name, kept, type] of cases) {
    const id = await saveDocument(ctx, acting, named(bytes, name), { open: false });
    expect(await mediaById(ctx, id)).toMatchObject({ kind: "document", name: kept, type, open: false });
    expect(await stored(ctx, id)).toEqual(bytes);
  }
  const image = await saveDocument(ctx, acting, named(await jpeg(), "recibo.pdf"), { open: false });
  expect(await mediaById(ctx, image)).toMatchObject({ kind: "image", name: "recibo.webp", open: false });
});

test.each<[string, Buffer]>([
  ["a page", HTML],
  ["a page after a few lines", Buffer.concat([Buffer.from("\n \t\n"), HTML])],
  ["a page behind a byte order mark", Buffer.concat([Buffer.from("\ufeff"), HTML])],
  ["a drawing", SVG],
  ["a program", Buffer.from("\x7fELF\x02\x01\x01\0", "latin1")],
  ["bytes that are no text", Buffer.from("caf\xe9", "latin1")],
  ["a text with a NUL", Buffer.from("a\0b")],
  ["nothing", Buffer.alloc(0)],
  ["any archive", zip({ "a.txt": "a" })],
  ["a document with programs in it", docx({ "word/vbaProject.bin": "x" })],
  ["an archive that would burst", zip({ "[Content_Types].xml": "", "word/document.xml": "" }, 2 ** 31)],
  ["an archive without its end", docx().subarray(0, -10)],
  ["an archive whose directory is elsewhere", Buffer.concat([docx(), docx().subarray(-22)])],
  ["a page that begins as a PDF nearly does", Buffer.concat([Buffer.from("%PDF"), HTML, Buffer.from([0])])],
])("no document: %s", (_, bytes) => {
  expect(documentType(bytes)).toBeNull();
});

test.each([
  ["foto.png", "foto.webp"],
  ["../../x", "x.webp"],
  ["C:\\fakepath\\foto.JPG", "foto.webp"],
  ["..", "file.webp"],
  [".htaccess", "htaccess.webp"],
  ["", "file.webp"],
  ["a\0b.png", "ab.webp"],
  ["gnp.exe\u202egnp.", "gnp.exegnp.webp"],
  ['a"; filename="evil.html', "a__ filename=_evil.webp"],
  ["a\r\nset-cookie: x", "aset-cookie_ x.webp"],
  ["صورة.png", "صورة.webp"],
  [`${"x".repeat(300)}.png`, `${"x".repeat(100)}.webp`],
  ["\u200b\u200b.png", "file.webp"],
])("a file called %j is kept as %j", (name, kept) => {
  expect(fileName(name, [".webp"])).toBe(kept);
});

test("what belongs to nothing after a day is deleted, and its file only with its last row", async () => {
  const { ctx, acting, advance } = await uploader();
  const bytes = Buffer.from(`Uno ${crypto.randomUUID()}`);
  const [first, second] = [
    await saveDocument(ctx, acting, named(bytes, "a.txt"), { open: true }),
    await saveDocument(ctx, acting, named(bytes, "b.txt"), { open: true }),
  ];
  const { sha256 } = await mediaById(ctx, first);
  await sweepMedia(ctx);
  expect((await mediaById(ctx, second)).sha256).toBe(sha256);
  await ctx.db.delete(media).where(eq(media.id, second));
  advance(23 * 3_600_000);
  await sweepMedia(ctx);
  expect(await stored(ctx, first)).toEqual(bytes);
  advance(2 * 3_600_000);
  await sweepMedia(ctx);
  expect(await codeOf(mediaById(ctx, first))).toBe("not_found undefined");
  expect(await ctx.files.read(sha256)).toBeNull();
});

test("nobody fills the disk in an hour", async () => {
  const { ctx, acting } = await uploader();
  const codes = new Set<string>();
  for (let n = 0; n < 101; n++)
    codes.add(await codeOf(saveDocument(ctx, acting, named(Buffer.from(`${n}`)), { open: false })));
  expect([...codes]).toEqual(["kept", "too_many_attempts undefined" satisfies `${ErrorCode} ${string}`]);
});
