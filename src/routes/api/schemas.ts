import { z } from "@hono/zod-openapi";
import type { ActorView } from "../../domain/actors/queries.ts";
import { formatAmount } from "../../domain/amounts.ts";
import type { Ctx } from "../../domain/context.ts";
import { DomainError } from "../../domain/errors.ts";
import { localHub } from "../../domain/hubs/queries.ts";
import { POST_LANGUAGES } from "../../locales/index.ts";

/** Written as a union: the generator takes what is nullable for a part of the schema that it refers to. */
export const orNull = <S extends z.ZodType>(schema: S) => z.union([schema, z.null()]);

const ID = /^[1-9][0-9]{0,18}$/;
const ID_MAX = 0x7fff_ffff_ffff_ffffn;

export const Id = z
  .string()
  .regex(ID)
  .openapi("Id", { description: "A decimal snowflake: sorts by time.", example: "120795955118080000" });

/** An id that somebody sends, as the domain has it. */
export const IdInput = z
  .string()
  .regex(ID, { abort: true })
  .refine((text) => BigInt(text) <= ID_MAX, "no such id")
  .transform(BigInt)
  .openapi({ type: "string", pattern: ID.source, example: "120795955118080000" });

export const Time = z.iso
  .datetime()
  .openapi("Time", { description: "RFC 3339, UTC.", example: "2026-03-02T15:04:05.000Z" });

/** A time that somebody sends; any offset. Years of four digits. */
export const TimeInput = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text))
  .openapi({ type: "string", format: "date-time", example: "2026-12-01T23:59:59Z" });

const CURRENCY = z.string().max(300).openapi({ example: "https://hub.example/currency" });

export const Amount = z
  .strictObject({ value: z.string().regex(/^(0|-?[1-9][0-9]{0,18})$/), currency: CURRENCY })
  .openapi("Amount", {
    description:
      "An integer number of minor units, as text, with its unit. `GET /policy` tells how many decimals one credit has.",
    example: { value: "750", currency: "https://hub.example/currency" },
  });

/** An amount that somebody sends: more than nothing, and below what a double could no longer tell apart. */
export const AmountInput = z
  .strictObject({
    value: z.string().regex(/^[1-9][0-9]{0,14}$/, "minor units: digits, more than 0"),
    currency: CURRENCY,
  })
  .openapi("AmountInput", {
    description: "More than nothing, in integer minor units, as text. Its currency is this hub's.",
    example: { value: "750", currency: "https://hub.example/currency" },
  });

/** The same where nothing is an amount as well. */
export const AmountOrZero = z
  .strictObject({
    value: z.string().regex(/^(0|[1-9][0-9]{0,14})$/, "minor units: digits"),
    currency: CURRENCY,
  })
  .openapi("AmountOrZero", {
    description: "Integer minor units, as text; 0 is one. Its currency is this hub's.",
    example: { value: "0", currency: "https://hub.example/currency" },
  });

export const Actor = z
  .strictObject({
    id: Id,
    iri: z.string().openapi({
      description: "Its ActivityPub id.",
      example: "https://hub.example/actors/120795955118080001",
    }),
    kind: z.string().openapi({ example: "Organization" }),
    acct: z
      .string()
      .openapi({ description: "`handle`, or `handle@host` for one of another server.", example: "raices" }),
    name: z.string().openapi({ example: "Raíces del Sur" }),
    url: z.string().openapi({ example: "https://hub.example/@raices" }),
  })
  .openapi("Actor", { description: "An organization, person or group, of this hub or of another server." });

export const toActor = ({ id, iri, kind, acct, name, url }: ActorView) => ({
  ...{ id: id.toString(), iri, kind, acct, name, url },
});

export const toTime = (time: Date | null) => time?.toISOString() ?? null;
export const toId = (id: bigint | null) => id?.toString() ?? null;

/** The iri of the one currency of this hub. */
export const currencyOf = (ctx: Ctx) => `${ctx.hub.origin}/currency`;

export function toAmount(ctx: Ctx, value: bigint): z.input<typeof Amount> {
  return { value: value.toString(), currency: currencyOf(ctx) };
}

export function toAmountOrNull(ctx: Ctx, value: bigint | null): z.input<typeof Amount> | null {
  return value === null ? null : toAmount(ctx, value);
}

/** Minor units of this hub's currency. @throws DomainError invalid when it is another one */
export function minorUnits(ctx: Ctx, amount: { value: string; currency: string }, field = "amount"): bigint {
  return unitsOf(currencyOf(ctx), amount, field);
}

/** Minor units of a currency that is expected. @throws DomainError invalid when it is another one */
export function unitsOf(
  currency: string,
  amount: { value: string; currency: string },
  field: string,
): bigint {
  if (amount.currency !== currency)
    throw new DomainError("invalid", `amounts are in ${currency}`, { field: `${field}.currency` });
  return BigInt(amount.value);
}

/** The same as commands take amounts that people type: in credits, with decimals. */
export async function typedAmount(
  ctx: Ctx,
  amount: { value: string; currency: string },
  field = "amount",
): Promise<string> {
  return formatAmount(minorUnits(ctx, amount, field), (await localHub(ctx)).currencyScale);
}

export const Language = z
  .enum(Object.keys(POST_LANGUAGES))
  .openapi("Language", { description: "BCP 47.", example: "es" });

/** Cursor and size of a page. The `Link` header of the answer leads to the next one. */
export const PAGE = {
  before: IdInput.optional().openapi({ description: "Cursor; from the `Link` header of the page before." }),
  limit: z
    .string()
    .regex(/^([1-9][0-9]?|100)$/)
    .transform(Number)
    .optional()
    .openapi({ type: "string", description: "How many, 1 to 100; 20 unless told." }),
};

export const PAGE_SIZE = 20;

export const ById = z.strictObject({ id: IdInput });
export const ByHandle = z.strictObject({
  handle: z.string().min(1).max(300).openapi({ description: "With or without `@`.", example: "raices" }),
});

/** A list, with what leads to its next page. */
export function list<T>(page: { items: T[]; before: bigint | null }): {
  body: T[];
  next: Record<string, string> | null;
} {
  return { body: page.items, next: page.before === null ? null : { before: page.before.toString() } };
}
