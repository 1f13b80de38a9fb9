import { openDatabase } from "../../src/db/client.ts";
import { exchangeContext } from "./exchange.ts";
import { countedDb } from "./failpoints.ts";
import { type Intention, intentions, type Scene } from "./intentions.ts";

/**
 * A process of its own that works on an exchange, run by tests. Arguments: the database's url; then requests on its input, one JSON
 * value a line, all begun as they come: `{ intention, scene, die }`. Answers each on its output with `{ ok }` or `{ code }`.
 * With `die` it kills itself (SIGKILL) instead of making the database call of that number.
 */
const url = process.argv[2]!;
const database = openDatabase(url, { orm: 12, raw: 2 });

interface Request {
  n: number;
  intention: Intention;
  scene: Record<string, unknown>;
  die?: number;
}

async function serve({ n, intention, scene, die }: Request): Promise<void> {
  const db =
    die === undefined
      ? database.db
      : countedDb(url, (call) => {
          if (call === die) process.kill(process.pid, "SIGKILL");
        }).db;
  const now = new Date(scene.now as string);
  const ctx = exchangeContext(database, () => now, db);
  const answer = await intentions[intention](ctx, revive(scene)).then(
    (result) => ({ n, ok: String(result) }),
    (error: Error & { code?: string }) => ({ n, code: error.code ?? error.message }),
  );
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

function revive(scene: Record<string, unknown>): Scene {
  return JSON.parse(JSON.stringify(scene), (_, value) =>
    typeof value === "string" && /^\d+$/.test(value) ? BigInt(value) : value,
  ) as Scene;
}

let rest = "";
process.stdin.on("data", (chunk) => {
  rest += chunk;
  const lines = rest.split("\n");
  rest = lines.pop() ?? "";
  for (const line of lines) void serve(JSON.parse(line) as Request);
});
process.stdin.on("end", () => process.exit(0));
process.stdout.write('{"n":-1,"ok":"ready"}\n');
