import { expect, test } from "vitest";
import { createToken } from "../../src/domain/accounts/commands.ts";
import { account, startHub } from "../support/hub.ts";

test("the hub says that it lives and that it is ready, and nothing else to strangers", async () => {
  const hub = await startHub();
  const get = async (path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(hub.origin + path, { headers });
    return { status: response.status, text: await response.text() };
  };
  expect(await get("/healthz")).toEqual({ status: 200, text: '{"ok":true}' });
  expect(await get("/readyz")).toEqual({ status: 200, text: '{"ok":true,"database":true,"queue":true}' });

  expect((await get("/metrics")).status).toBe(401);
  expect((await get("/metrics", { authorization: "Bearer nonsense" })).status).toBe(401);
  const member = await createToken(hub.ctx, await account(hub, "beto"), ["read"]);
  expect((await get("/metrics", { authorization: `Bearer ${member}` })).status).toBe(401);
  const token = await createToken(hub.ctx, hub.admin, ["read"]);
  const metrics = await get("/metrics", { authorization: `Bearer ${token}` });
  expect(metrics.status).toBe(200);
  expect(metrics.text).toMatch(/^process_resident_memory_bytes \d+$/m);
  expect(metrics.text).toMatch(/^# TYPE ayni_queue_jobs gauge$/m);
});

test("a queue that nobody works makes the hub not ready", async () => {
  const hub = await startHub();
  await hub.database.sql`
    insert into jobs (queue, payload, run, created)
    values ('nobody', '{}', now() - interval '10 minutes', now() - interval '10 minutes')`;
  const response = await fetch(`${hub.origin}/readyz`);
  expect([response.status, await response.json()]).toEqual([
    503,
    { ok: false, database: true, queue: false },
  ]);
});
