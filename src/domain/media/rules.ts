import { cleanText } from "../validate.ts";

/** Bytes of one file, and files of one form. */
export const FILE_MAX = 10 * 1024 * 1024;
export const FILES_MAX = 4;
/** What a packed document may hold when it is unpacked; readers' programs do that, not the hub. */
const UNPACKED_MAX = 300 * 1024 * 1024;
const ENTRIES_MAX = 10_000;
const NAME_MAX = 100;

/** JPEG, PNG, GIF, WebP. */
const IMAGES = [/^\xff\xd8\xff/, /^\x89PNG\r\n/, /^GIF8[79]a/, /^RIFF.{4}WEBP/s];

/** Documents that are taken, with the ends that their names may have, the usual one first. */
export const DOCUMENTS = {
  "application/pdf": [".pdf"],
  "text/plain": [".txt", ".csv", ".md"],
  "application/vnd.oasis.opendocument.text": [".odt"],
  "application/vnd.oasis.opendocument.spreadsheet": [".ods"],
  "application/vnd.openxmlformats-officedocument.wordprocessingml.document": [".docx"],
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": [".xlsx"],
} as const;
export type DocumentType = keyof typeof DOCUMENTS;

/** Is it a kind of image that is taken? By its first bytes: names and announced types can be anything. */
export function isImage(bytes: Uint8Array): boolean {
  const head = Buffer.from(bytes.subarray(0, 16)).toString("latin1");
  return IMAGES.some((pattern) => pattern.test(head));
}

/** What kind of document it is, by its bytes; null when it is none that is taken. */
export function documentType(bytes: Uint8Array): DocumentType | null {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const head = buffer.toString("latin1", 0, 8);
  if (/^%PDF-\d/.test(head)) return "application/pdf";
  if (head.startsWith("PK\x03\x04")) return packedType(buffer);
  return isPlainText(buffer) ? "text/plain" : null;
}

/** OpenDocument names itself in its first entry (ODF 1.3, part 2, 3.3); Office Open XML is told by the names of its parts. */
function packedType(zip: Buffer): DocumentType | null {
  const names = entriesOf(zip);
  if (names === null) return null;
  const first = zip.toString("latin1", 30, 30 + 8 + 60);
  const named = /^mimetypeapplication\/vnd\.oasis\.opendocument\.(text|spreadsheet)PK/.exec(first)?.[1];
  if (named === "text" || named === "spreadsheet") return `application/vnd.oasis.opendocument.${named}`;
  // Programs inside of a document are the oldest trick there is.
  if (!names.has("[Content_Types].xml") || [...names].some((name) => /vbaProject/i.test(name))) return null;
  if (names.has("word/document.xml"))
    return "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
  if (names.has("xl/workbook.xml"))
    return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
  return null;
}

/** Names in a ZIP archive's directory (APPNOTE 4.3.12); null when it is damaged, or would be too large unpacked. */
function entriesOf(zip: Buffer): Set<string> | null {
  const end = zip.lastIndexOf("PK\x05\x06");
  if (end < 0 || end + 22 > zip.length) return null;
  const count = zip.readUInt16LE(end + 10);
  let at = zip.readUInt32LE(end + 16);
  if (count > ENTRIES_MAX) return null;
  const names = new Set<string>();
  let unpacked = 0;
  for (let entry = 0; entry < count; entry++) {
    if (at + 46 > end || zip.readUInt32LE(at) !== 0x02014b50) return null;
    unpacked += zip.readUInt32LE(at + 24);
    const length = zip.readUInt16LE(at + 28);
    names.add(zip.toString("utf8", at + 46, at + 46 + length));
    at += 46 + length + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  // What stands between the directory and its end, programs may take for something else than this did.
  return at === end && unpacked <= UNPACKED_MAX ? names : null;
}

/** UTF-8 without control characters, and no markup that a browser could take for a page. */
function isPlainText(buffer: Buffer): boolean {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(buffer);
  } catch {
    return false;
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is refused
  return !/[\u0000-\u0008\u000b\u000e-\u001f\u007f]/.test(text) && !/^\s*</.test(text) && text.trim() !== "";
}

/**
 * A file's name as it may be kept and sent again: without folders, control characters and what turns its reading direction,
 * with an end that fits its type.
 */
export function fileName(name: string, ends: readonly [string, ...string[]]): string {
  const base = cleanText(name)
    .replace(/^.*[/\\]/s, "")
    .replace(/[\p{Cf}\p{Cc}\p{Zl}\p{Zp}]/gu, "")
    .replace(/[<>:"|?*;%]/g, "_")
    .trim();
  const end = ends.find((known) => base.toLowerCase().endsWith(known));
  const stem = (
    end === undefined ? base.replace(/\.[A-Za-z0-9]{1,5}$/, "") : base.slice(0, -end.length)
  ).replace(/^[.\s]+|[.\s]+$/g, "");
  return `${[...stem].slice(0, NAME_MAX).join("") || "file"}${end ?? ends[0]}`;
}
