import type { Ctx } from "../../domain/context.ts";
import { DomainError } from "../../domain/errors.ts";
import { createGate } from "../../domain/gate.ts";
import type { UploadedFile } from "../../domain/media/commands.ts";
import { FILE_MAX, FILES_MAX } from "../../domain/media/rules.ts";
import type { WebContext } from "../env.ts";
import { formFields, MAX_FIELDS, MAX_FORM, notWhole, sentBytes } from "./page.tsx";

const MAX_BODY = FILES_MAX * FILE_MAX + MAX_FORM;
const MAX_HEAD = 2_000;
/** Forms with files are in memory while they are worked on, up to 40 MB each. */
const limited = createGate({ atOnce: 2, waiting: 50 });

/** The files of one field, those left empty not among them. @throws DomainError too_many_files */
export type FilesOf = (field: string) => UploadedFile[];

/**
 * A form with files: up to 4, of 10 MB each. What is sent is put on the disk first, however slowly it comes; then few forms at once
 * are read and done. Ask who it is before: a stranger needs no room on the disk.
 *
 * @throws DomainError too_large, too_long, invalid, busy
 */
export async function withFiles<T>(
  ctx: Ctx,
  c: WebContext,
  run: (fields: Record<string, string>, filesOf: FilesOf) => Promise<T>,
): Promise<T> {
  const type = c.req.header("content-type") ?? "";
  const named = /^multipart\/form-data\s*;.*?\bboundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(type);
  if (named === null) return run(await formFields(c), () => []);
  const tooLarge = () =>
    new DomainError("too_large", "the files are too large", { details: { mb: FILE_MAX / 2 ** 20 } });
  const spooled = await ctx.files.spool(sentBytes(c, MAX_BODY, tooLarge));
  try {
    return await limited(async () => {
      const { fields, files } = parseMultipart(await spooled.bytes(), named[1] ?? named[2] ?? "");
      return run(fields, (field) => {
        const found = files.filter((file) => file.field === field);
        if (files.length > FILES_MAX && found.length > 0)
          throw new DomainError("too_many_files", "too many files", { field, details: { max: FILES_MAX } });
        return found;
      });
    });
  } finally {
    await spooled.remove();
  }
}

/**
 * Reads `multipart/form-data` (RFC 7578, as browsers write it). Files are views of `body`, not copies; of several text fields with
 * one name the last counts.
 *
 * @throws DomainError too_long, invalid
 */
export function parseMultipart(
  body: Buffer,
  boundary: string,
): { fields: Record<string, string>; files: UploadedFile[] } {
  const fields = Object.create(null) as Record<string, string>;
  const files: UploadedFile[] = [];
  const delimiter = Buffer.from(`\r\n--${boundary}`, "latin1");
  let at = delimiter.length - 2;
  let text = 0;
  if (!body.subarray(0, at).equals(delimiter.subarray(2))) notWhole();
  for (let parts = 0; ; parts++) {
    const end = body.toString("latin1", at, at + 2);
    if (end === "--") return { fields, files };
    const head = body.indexOf("\r\n\r\n", at);
    if (end !== "\r\n" || head < 0 || head - at > MAX_HEAD || parts > MAX_FIELDS) notWhole();
    const next = body.indexOf(delimiter, head + 4);
    if (next < 0) notWhole();
    const { name, filename } = disposition(body.toString("utf8", at + 2, head));
    const bytes = body.subarray(head + 4, next);
    if (filename === null) {
      text += bytes.length;
      if (text > MAX_FORM)
        throw new DomainError("too_long", "the form is too large", {
          details: { max: MAX_FORM, length: text },
        });
      fields[name] = bytes.toString("utf8");
    } else if (filename !== "" || bytes.length > 0) {
      files.push({ field: name, name: filename, bytes });
    }
    at = next + delimiter.length;
  }
}

function disposition(head: string): { name: string; filename: string | null } {
  const line = /^content-disposition:\s*form-data\b(.*)$/im.exec(head)?.[1] ?? "";
  const parameter = (name: string) =>
    new RegExp(`;\\s*${name}="([^"]*)"`, "i")
      .exec(line)?.[1]
      ?.replace(/%(?:22|0D|0A)/gi, (escaped) => decodeURIComponent(escaped)) ?? null;
  return { name: parameter("name") ?? notWhole(), filename: parameter("filename") };
}
