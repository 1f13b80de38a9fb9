export interface SentFile {
  field: string;
  name: string;
  bytes: Uint8Array;
  type?: string;
}

/** A form with files as a browser sends it. */
export function multipart(
  fields: Record<string, string>,
  files: readonly SentFile[],
): { body: Buffer; type: string } {
  const boundary = `----WebKitFormBoundary${Math.random().toString(36).slice(2)}`;
  const quoted = (text: string) =>
    text.replace(
      /["\r\n]/g,
      (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
    );
  const parts = [
    ...Object.entries(fields).map(([name, value]) =>
      Buffer.from(
        `--${boundary}\r\nContent-Disposition: form-data; name="${quoted(name)}"\r\n\r\n${value.replace(/\r?\n/g, "\r\n")}\r\n`,
      ),
    ),
    ...files.flatMap(({ field, name, bytes, type }) => [
      Buffer.from(
        `--${boundary}\r\nContent-Disposition: form-data; name="${quoted(field)}"; filename="${quoted(name)}"\r\n` +
          `Content-Type: ${type ?? "application/octet-stream"}\r\n\r\n`,
      ),
      bytes,
      Buffer.from("\r\n"),
    ]),
  ];
  return {
    body: Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]),
    type: `multipart/form-data; boundary=${boundary}`,
  };
}
