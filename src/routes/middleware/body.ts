import type { HonoRequest } from "hono";

/**
 * What was sent, counted as it comes: a length may be announced wrongly, or not at all.
 *
 * @returns null when it is longer than `max` bytes
 */
export async function readBody({ raw }: HonoRequest, max: number): Promise<Buffer<ArrayBuffer> | null> {
  if (Number(raw.headers.get("content-length") ?? 0) > max) return null;
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = raw.body?.getReader();
  while (reader !== undefined) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.byteLength;
    if (length > max) return null;
    chunks.push(value);
  }
  return Buffer.concat(chunks);
}
