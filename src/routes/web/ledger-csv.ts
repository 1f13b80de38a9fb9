import type { Id } from "../../db/ids.ts";
import { agreementTitles } from "../../domain/agreements/titles.ts";
import { formatAmount } from "../../domain/amounts.ts";
import type { Ctx } from "../../domain/context.ts";
import { type StatementFilter, type StatementLine, statement } from "../../domain/ledger/queries.ts";

const PAGE = 500;
const MOST_YEARS = 5;

/** The period of a statement that is taken away: where it is open, or longer, its last five years. */
export function periodOf<F extends StatementFilter>(filter: F, now: Date): F & { from: Date; to: Date } {
  const to = filter.to !== undefined && filter.to < now ? filter.to : now;
  const earliest = new Date(to);
  earliest.setUTCFullYear(to.getUTCFullYear() - MOST_YEARS);
  const from = filter.from !== undefined && filter.from > earliest ? filter.from : earliest;
  return { ...filter, from, to };
}

const HEAD = [
  "line",
  "time",
  "kind",
  "amount",
  "balance",
  "unit",
  "counterparty",
  "address",
  "subject",
  "agreement",
  "note",
];

/**
 * An organization's statement as CSV (RFC 4180), newest first: times in RFC 3339 UTC, amounts with a decimal point. Read and sent page
 * by page, as fast as the client takes it; between two pages no connection of the database is held.
 */
export function statementCsv(
  ctx: Ctx,
  actorId: Id,
  filter: StatementFilter,
  currency: { symbol: string; scale: number },
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let before: bigint | null = null;
  return new ReadableStream<Uint8Array>({
    start(controller) {
      // Spreadsheets take UTF-8 for something else without its mark.
      controller.enqueue(encoder.encode(`\ufeff${csvRow(HEAD)}`));
    },
    async pull(controller) {
      const page = await statement(ctx, actorId, filter, before, PAGE);
      const titles = await agreementTitles(
        ctx,
        page.items.map(({ agreementId }) => agreementId),
      );
      const rows = page.items.map((line) =>
        csvRow([
          String(line.seq),
          line.created.toISOString(),
          line.kind,
          formatAmount(line.amount, currency.scale),
          formatAmount(line.balance, currency.scale),
          currency.symbol,
          ...counterparty(ctx, line),
          line.agreementId === null ? "" : (titles.get(line.agreementId)?.name ?? ""),
          line.agreementId === null ? "" : `${ctx.hub.origin}/agreements/${line.agreementId}`,
          line.note ?? "",
        ]),
      );
      controller.enqueue(encoder.encode(rows.join("")));
      before = page.before;
      if (before === null) controller.close();
    },
  });
}

/** Name and address of the other side; the fund has no address. */
function counterparty({ hub }: Ctx, { counterparty }: StatementLine): [string, string] {
  return counterparty === null
    ? ["", ""]
    : [counterparty.name, `${counterparty.handle}@${counterparty.host ?? hub.host}`];
}

/** One record, its line end included. */
export function csvRow(cells: readonly string[]): string {
  return `${cells.map(csvCell).join(",")}\r\n`;
}

/**
 * A cell that a spreadsheet shows as it stands. What it would take for a formula gets an apostrophe before it
 * (https://owasp.org/www-community/attacks/CSV_Injection); numbers stay numbers.
 */
function csvCell(text: string): string {
  const formula =
    /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/.test(text) && !/^[+-]?[0-9]+(\.[0-9]+)?$/.test(text);
  const safe = formula ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
