import type { Sql } from "postgres";
import { beforeEach, describe, expect, test } from "vitest";
import type { Database } from "../../src/db/client.ts";
import { fundAccount } from "../../src/domain/ledger/accounts.ts";
import { checkLedger } from "../../src/domain/ledger/check.ts";
import { reserve } from "../../src/domain/ledger/transfers.ts";
import { testDatabase } from "../support/database.ts";
import { CREDIT, ledgerHub, organization, pay } from "../support/ledger.ts";

/** SQLSTATE of what the triggers and constraints refuse. */
const REFUSED = { code: "23001" };
const CHECK = { code: "23514" };
const FROZEN = { code: "55000" };

let database: Database;
let sql: Sql;
let raices: string;
let nour: string;
let fund: string;
/** Committed, with its entries; and one that holds. */
let paid: string;
let held: string;
let check: () => Promise<unknown>;

beforeEach(async () => {
  database = await testDatabase();
  sql = database.sql;
  const { ctx } = await ledgerHub(database.db);
  const payer = await organization(ctx, "raices", 10n * CREDIT);
  const payee = await organization(ctx, "nour");
  paid = String(await pay(ctx, payer.ledgerId, payee.ledgerId, 300n));
  held = String(
    await reserve(ctx, {
      kind: "agreement",
      payerId: payer.ledgerId,
      payeeId: payee.ledgerId,
      amount: 200n,
      accountId: null,
    }),
  );
  raices = String(payer.ledgerId);
  nour = String(payee.ledgerId);
  fund = String(await fundAccount(ctx));
  check = () => checkLedger(ctx);
});

/** The statement, in a transaction of its own, as the owner of the tables. */
const run = (text: string) => sql.begin((tx) => tx.unsafe(text));

/** Posts by hand what `lines` say for the transfer that holds 200. */
const commitWith = (lines: readonly [account: string, amount: number][], settled = 200) =>
  sql.begin(async (tx) => {
    await tx.unsafe(
      `update transfers set state = 'committed', settled = ${settled}, decided = now() where id = ${held}`,
    );
    const values = lines.map(([id, amount], n) => `(${n + 1}, ${held}, ${id}, ${amount}, now())`).join(", ");
    if (lines.length > 0)
      await tx.unsafe(`insert into entries (id, transfer_id, account_id, amount, created) values ${values}`);
  });

describe("the database refuses, whoever asks,", () => {
  test("to touch what an account holds by its entries and holds", async () => {
    for (const change of [
      "posted = posted + 1",
      "held = 0",
      "entries = 7",
      "unit = 'hour-second'",
      "kind = 'clearing'",
      "actor_id = null",
      "id = 1",
    ])
      await expect(
        run(`update ledger_accounts set ${change} where id = ${raices}`),
        change,
      ).rejects.toMatchObject(REFUSED);
    await expect(run(`delete from ledger_accounts where id = ${fund}`)).rejects.toMatchObject(REFUSED);
    await expect(
      run(`insert into ledger_accounts (id, kind, posted, opened) values (9, 'operations', 100, now())`),
    ).rejects.toMatchObject(REFUSED);
    await expect(run(`update ledger_accounts set minimum = -499 where id = ${raices}`)).rejects.toMatchObject(
      CHECK,
    );
    await run(`update ledger_accounts set minimum = -500 where id = ${raices}`);
  });

  test("to change or remove an entry", async () => {
    await expect(run(`update entries set amount = amount * 2`)).rejects.toMatchObject(REFUSED);
    await expect(run(`update entries set balance = 0`)).rejects.toMatchObject(REFUSED);
    await expect(run(`delete from entries`)).rejects.toMatchObject(REFUSED);
  });

  test("to post what its transfer does not say", async () => {
    for (const lines of [
      [],
      [[raices, -200]],
      [[nour, 200]],
      [
        [raices, -200],
        [nour, 199],
      ],
      [
        [raices, -200],
        [nour, 201],
      ],
      [
        [nour, -200],
        [raices, 200],
      ],
      [
        [raices, -200],
        [fund, 200],
      ],
      [
        [raices, -100],
        [nour, 100],
      ],
      [
        [raices, -200],
        [nour, 200],
        [nour, 5],
        [raices, -4],
      ],
      [
        [raices, -200],
        [nour, 200],
        [nour, 200],
        [raices, -200],
      ],
    ] as [string, number][][])
      await expect(commitWith(lines), JSON.stringify(lines)).rejects.toMatchObject(REFUSED);
    await expect(
      commitWith([
        [raices, -200],
        [nour, 0],
      ]),
    ).rejects.toBeDefined();
    await commitWith([
      [raices, -200],
      [nour, 200],
      [nour, -20],
      [fund, 20],
    ]);
    expect(await check()).toEqual([]);
  });

  test("to post anything for a transfer that holds, was aborted, or was posted before", async () => {
    const post = (transfer: string) =>
      run(`insert into entries (id, transfer_id, account_id, amount, created)
        values (1, ${transfer}, ${raices}, -300, now()), (2, ${transfer}, ${nour}, 300, now())`);
    await expect(post(paid)).rejects.toMatchObject(REFUSED);
    await expect(post(held)).rejects.toMatchObject(REFUSED);
    await run(`update transfers set state = 'aborted', decided = now() where id = ${held}`);
    await expect(post(held)).rejects.toMatchObject(REFUSED);
  });

  test("to post in another unit, or to a closed account", async () => {
    await expect(
      sql.begin(async (tx) => {
        await tx.unsafe(
          `update transfers set state = 'committed', settled = 200, decided = now() where id = ${held}`,
        );
        await tx.unsafe(`insert into entries (id, transfer_id, account_id, unit, amount, created)
          values (1, ${held}, ${raices}, 'hour-second', -200, now()), (2, ${held}, ${nour}, 'hour-second', 200, now())`);
      }),
    ).rejects.toMatchObject(REFUSED);
    await run(`update ledger_accounts set closed = now() where id = ${nour}`);
    await expect(
      commitWith([
        [raices, -200],
        [nour, 200],
      ]),
    ).rejects.toMatchObject(REFUSED);
  });

  test("transfers that begin otherwise than as a hold that is covered", async () => {
    const insert = (columns: string, values: string) =>
      run(`insert into transfers (id, iri, kind, payer_id, payee_id, created, ${columns})
        values (5, 'https://hub.example/transfers/5', 'agreement', ${raices}, ${nour}, now(), ${values})`);
    await expect(insert("state, amount, settled, decided", "'committed', 1, 1, now()")).rejects.toMatchObject(
      REFUSED,
    );
    await expect(insert("state, amount, decided", "'aborted', 1, now()")).rejects.toMatchObject(REFUSED);
    await expect(insert("state, amount", "'reserved', 501")).rejects.toMatchObject(CHECK);
    await expect(insert("state, amount", "'reserved', 0")).rejects.toMatchObject(CHECK);
    await expect(insert("state, amount", "'reserved', -5")).rejects.toMatchObject(CHECK);
    await expect(insert("state, amount, corrects", `'reserved', 1, ${paid}`)).rejects.toMatchObject(REFUSED);
    await run(`update ledger_accounts set closed = now() where id = ${raices}`);
    await expect(insert("state, amount", "'reserved', 1")).rejects.toMatchObject(REFUSED);
  });

  test("corrections of more than was settled, of what was not, or the wrong way round", async () => {
    const correct = (id: number, amount: number, of = paid) =>
      run(`insert into transfers (id, iri, kind, state, payer_id, payee_id, amount, corrects, created)
        values (${id}, '${id}', 'correction', 'reserved', ${nour}, ${raices}, ${amount}, ${of}, now())`);
    await expect(correct(5, 301)).rejects.toMatchObject(REFUSED);
    await expect(correct(5, 1, held)).rejects.toMatchObject(REFUSED);
    await correct(5, 200);
    await expect(correct(6, 101)).rejects.toMatchObject(REFUSED);
    await correct(6, 100);
    await expect(correct(7, 1)).rejects.toMatchObject(REFUSED);
  });

  test("to change a transfer but by deciding it, once", async () => {
    const update = (id: string, change: string) => run(`update transfers set ${change} where id = ${id}`);
    for (const change of [
      "amount = 100",
      `payee_id = ${fund}`,
      "kind = 'donation'",
      "iri = 'x'",
      "note = 'x'",
      "created = now() - interval '1 year'",
      "decision = 'x'",
      "agreement_id = 4",
    ])
      await expect(update(held, change), change).rejects.toMatchObject(REFUSED);
    await expect(update(held, "state = 'committed', settled = 201, decided = now()")).rejects.toBeDefined();
    await expect(update(held, "state = 'aborted'")).rejects.toMatchObject(CHECK);
    for (const change of [
      "state = 'reserved', settled = null, decided = null",
      "state = 'aborted', settled = null",
      "settled = 299",
      "decided = now()",
      "decision = 'withdraw'",
    ])
      await expect(update(paid, change), change).rejects.toMatchObject(REFUSED);
    await update(held, "state = 'aborted', decided = now()");
    await expect(update(held, "state = 'committed', settled = 200")).rejects.toMatchObject(REFUSED);
    await expect(run(`delete from transfers where id = ${held}`)).rejects.toMatchObject(REFUSED);
  });

  test("to hold or to post while the ledger is frozen, and only then to give back", async () => {
    await run(`insert into ledger_freezes (reason, frozen) values ('test', now())`);
    await expect(
      commitWith([
        [raices, -200],
        [nour, 200],
      ]),
    ).rejects.toMatchObject(FROZEN);
    await expect(
      run(`insert into transfers (id, iri, kind, state, payer_id, payee_id, amount, created)
        values (5, '5', 'agreement', 'reserved', ${raices}, ${nour}, 1, now())`),
    ).rejects.toMatchObject(FROZEN);
    await expect(run(`delete from ledger_freezes`)).rejects.toMatchObject(REFUSED);
    await expect(run(`update ledger_freezes set frozen = now() - interval '1 day'`)).rejects.toMatchObject(
      REFUSED,
    );
    await run(`update transfers set state = 'aborted', decided = now() where id = ${held}`);
    await run(`update ledger_freezes set released = now()`);
    await expect(run(`update ledger_freezes set released = null`)).rejects.toMatchObject(REFUSED);
  });

  test("to rewrite a journal, but for the account of who has left", async () => {
    const [leaver] = await sql<{ id: string }[]>`select id from accounts where email like 'raices%'`;
    const by = leaver!.id.toString();
    await run(`insert into limit_changes (ledger_account_id, minimum, growth, reason, account_id, created)
      values (${raices}, -1000, 0, 'verified', ${by}, now())`);
    await run(`insert into ledger_checks (checked, findings, entries) values (now(), '[]', 2)`);
    for (const table of ["limit_changes", "ledger_checks"]) {
      const column = table === "limit_changes" ? "reason" : "findings";
      await expect(run(`update ${table} set ${column} = 'x'`), table).rejects.toMatchObject(REFUSED);
      await expect(run(`delete from ${table}`), table).rejects.toMatchObject(REFUSED);
    }
    await run(`delete from memberships where account_id = ${by}`);
    await run(`delete from accounts where id = ${by}`);
    const [change] = await sql`select account_id, reason from limit_changes where reason = 'verified'`;
    expect(change).toEqual({ account_id: null, reason: "verified" });
  });

  test("to empty any of these tables at once", async () => {
    for (const table of [
      "ledger_accounts",
      "transfers",
      "entries",
      "limit_changes",
      "ledger_checks",
      "ledger_freezes",
      "exchange_policies",
      "agreement_steps",
      "proposal_revisions",
    ])
      await expect(run(`truncate ${table} cascade`), table).rejects.toMatchObject(REFUSED);
  });
});
