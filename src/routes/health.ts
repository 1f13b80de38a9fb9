import { Hono } from "hono";
import { tokenAccount } from "../domain/accounts/queries.ts";
import type { Ctx } from "../domain/context.ts";

export interface QueueHealth {
  queue: string;
  ready: number;
  running: number;
  waiting: number;
  delayed: number;
  dead: number;
  /** Seconds that the oldest ready job has been due. */
  oldest: number;
}

export interface HealthOptions {
  ctx: Ctx;
  queues(): Promise<QueueHealth[]>;
}

/** A job that is due for longer than this means that nobody works the queue. */
const STUCK = 300;

/** Health of the process and of what it needs; figures only for administrators' tokens. */
export function healthRoutes({ ctx, queues }: HealthOptions) {
  return new Hono()
    .get("/healthz", (c) => c.json({ ok: true }))
    .get("/readyz", async (c) => {
      // The hub does not start before its migrations are applied: a database that answers is one that fits.
      const stats = await queues().catch(() => null);
      const database = stats !== null;
      const queue = stats?.every(({ oldest }) => oldest < STUCK) ?? false;
      const ok = database && queue;
      return c.json({ ok, database, queue }, ok ? 200 : 503);
    })
    .get("/metrics", async (c) => {
      const secret = /^Bearer (\S{1,200})$/i.exec(c.req.header("authorization") ?? "")?.[1];
      const account = secret === undefined ? null : await tokenAccount(ctx, secret);
      if (account?.role !== "admin" || !account.scopes.includes("read")) {
        return c.text("an administrator's token is needed (ayni token create)", 401, {
          "www-authenticate": "Bearer",
        });
      }
      return c.text(metrics(await queues()), 200, {
        "content-type": "text/plain; version=0.0.4",
        "cache-control": "no-store",
      });
    });
}

/** Prometheus' text format. */
function metrics(queues: readonly QueueHealth[]): string {
  const lines: string[] = [];
  const metric = (
    name: string,
    type: "gauge" | "counter",
    help: string,
    samples: [labels: string, value: number][],
  ) => {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    for (const [labels, value] of samples) lines.push(`${name}${labels} ${value}`);
  };
  const states = ["ready", "running", "waiting", "delayed", "dead"] as const;
  metric(
    "ayni_queue_jobs",
    "gauge",
    "Jobs by queue and state.",
    queues.flatMap((queue) =>
      states.map((state) => [`{queue="${queue.queue}",state="${state}"}`, queue[state]] as [string, number]),
    ),
  );
  metric(
    "ayni_queue_oldest_seconds",
    "gauge",
    "How long the oldest ready job has been due.",
    queues.map(({ queue, oldest }) => [`{queue="${queue}"}`, oldest]),
  );
  const { user, system } = process.cpuUsage();
  metric("process_cpu_seconds_total", "counter", "CPU time of this process.", [["", (user + system) / 1e6]]);
  metric("process_resident_memory_bytes", "gauge", "Memory of this process.", [
    ["", process.memoryUsage.rss()],
  ]);
  metric("process_start_time_seconds", "gauge", "When this process started.", [
    ["", Date.now() / 1000 - process.uptime()],
  ]);
  return `${lines.join("\n")}\n`;
}
