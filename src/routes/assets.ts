import { Hono } from "hono";
import type { Assets } from "../assets.ts";

const FOREVER = "public, max-age=31536000, immutable";

/** Style sheet and browser code. */
export function assetRoutes(assets: Assets) {
  return new Hono().get("/assets/:file", (c) => {
    const asset = assets.files.get(c.req.path);
    if (asset === undefined) return c.text("no such file", 404);
    const accepts = c.req.header("accept-encoding") ?? "";
    const [body, encoding] = /\bbr\b/.test(accepts)
      ? [asset.brotli, "br"]
      : /\bgzip\b/.test(accepts)
        ? [asset.gzip, "gzip"]
        : [asset.body, null];
    if (encoding !== null) c.header("content-encoding", encoding);
    return c.body(new Uint8Array(body), 200, {
      "content-type": asset.type,
      "cache-control": FOREVER,
      vary: "Accept-Encoding",
    });
  });
}
