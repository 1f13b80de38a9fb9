import { Hono } from "hono";

/** Health of the process and of what it needs. Says nothing that a stranger could use. */
export function healthRoutes(ready: () => Promise<Record<string, boolean>>) {
  return new Hono()
    .get("/healthz", (c) => c.json({ ok: true }))
    .get("/readyz", async (c) => {
      const checks = await ready();
      const ok = Object.values(checks).every(Boolean);
      return c.json({ ok, ...checks }, ok ? 200 : 503);
    });
}
