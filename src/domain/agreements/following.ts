import { getTableColumns, sql } from "drizzle-orm";
import { agreementSteps, agreements } from "../../db/schema/agreements.ts";
import type { Ctx } from "../context.ts";
import { notifyAll } from "../notices/commands.ts";
import { emitAll, together } from "../transact.ts";
import { changesOf, noticesOf, settledEvents, unsignedStep } from "./apply.ts";
import { idAfter, type Loaded, newestSignedOf } from "./load.ts";
import type { Message, MessageType, Result } from "./rules.ts";

/** A step that an agreement takes after what was decided elsewhere. */
export interface Following {
  loaded: Loaded;
  message: Message;
  outcome: Result;
}

/** What agreements between hubs are told again and again: nobody says it, so nobody signs it. */
const FOLLOWED: readonly MessageType[] = ["reserved", "committed", "settled"];

/** Whether a step changes nothing but its agreement, and what its parties hear: no proposal, hold, voucher or order. */
export function follows({ loaded, message, outcome }: Following): boolean {
  // What a settlement gives back to those who vouched is of other accounts.
  const releases = loaded.vouched && message.type === "settled";
  return FOLLOWED.includes(message.type) && !releases && outcome.effects.every(isToldAlone);
}

const isToldAlone = (effect: Result["effects"][number]) =>
  effect.type === "tell" && effect.kind !== "agreement_disputed";

/**
 * Takes many steps that follow, each of another agreement whose row is locked: what `takeStep` does one by one, in as many statements as it
 * takes for one.
 */
export async function followAll(ctx: Ctx, steps: readonly Following[]): Promise<void> {
  if (steps.length === 0) return;
  const now = ctx.clock.now();
  const pasts = await newestSignedOf(
    ctx,
    steps.map(({ loaded }) => loaded.row.id),
  );
  const rows: Loaded["row"][] = [];
  const taken: ReturnType<typeof unsignedStep>[] = [];
  for (const { loaded, message, outcome } of steps) {
    const { agreement } = outcome;
    const row = { ...loaded.row, ...changesOf(loaded.row, agreement, message.type, now) };
    const id = await idAfter(ctx, pasts.get(row.id)?.last ?? null);
    rows.push(row);
    taken.push(unsignedStep(id, loaded, agreement, { message, who: null, note: null }, now));
  }
  // None of them needs what another one finds.
  await together([
    ctx.db.execute(sql`
      update agreements a set ${CHANGED} from json_populate_recordset(null::agreements, ${records(agreements, rows)}::json) as step
      where a.id = step.id`),
    ctx.db.execute(sql`
      insert into agreement_steps (${STEP})
      select ${STEP} from json_populate_recordset(null::agreement_steps, ${records(agreementSteps, taken)}::json)`),
    notifyAll(
      ctx,
      steps.flatMap(({ loaded, outcome }) => noticesOf(loaded, outcome.effects)),
    ),
    emitAll(
      ctx,
      steps.flatMap(({ loaded, outcome }) => settledEvents(loaded, outcome.agreement)),
    ),
  ]);
}

/** What such steps change. */
const CHANGED = sql.raw(
  [
    ...["state", "delivered", "settled_amount", "settled_quantity", "automatic", "deadline", "remind"],
    ...["changed", "settled"],
  ]
    .map((column) => `${column} = step.${column}`)
    .join(", "),
);

const STEP = sql.raw(
  [
    ...["id", "agreement_id", "message", "state", "party", "account_id", "amount", "quantity", "due", "note"],
    "created",
  ].join(", "),
);

/** Rows as one JSON text, by the names of their columns. */
function records(table: typeof agreements | typeof agreementSteps, rows: readonly object[]): string {
  const names = new Map(Object.entries(getTableColumns(table)).map(([key, { name }]) => [key, name]));
  const named = rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([key, value]) => [names.get(key) ?? key, value])),
  );
  return JSON.stringify(named, (_, value: unknown) => (typeof value === "bigint" ? value.toString() : value));
}
