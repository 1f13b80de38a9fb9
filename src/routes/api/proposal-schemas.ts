import { z } from "@hono/zod-openapi";
import type { Ctx } from "../../domain/context.ts";
import type { Match as MatchView } from "../../domain/proposals/matches.ts";
import { typedTags } from "../../domain/proposals/own.ts";
import type { ProposalView } from "../../domain/proposals/queries.ts";
import type { Question as QuestionView } from "../../domain/proposals/questions.ts";
import {
  CONTENT_MAX,
  LOCATION_MAX,
  NAME_MAX,
  type ProposalInput,
  PURPOSES,
  SETTLEMENTS,
  TAGS_MAX,
  UNITS,
} from "../../domain/proposals/rules.ts";
import {
  Actor,
  Amount,
  AmountInput,
  Id,
  Language,
  orNull,
  Time,
  toActor,
  toTime,
  typedAmount,
} from "./schemas.ts";

const Purpose = z.enum(PURPOSES).openapi("Purpose", { description: "`offer`, or `request` for a need." });
const Settlement = z.enum(SETTLEMENTS).openapi("Settlement", {
  description: "`credit`; `none`: a gift; `count`: only counted; `external`: as the two agree elsewhere.",
});
const Unit = z.enum(UNITS).openapi("Unit");
/** A category's key, of either level; whether there is one is the command's to say. */
export const CategoryKey = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,40}(\.[a-z][a-z0-9_]{0,40})?$/)
  .openapi({ description: "Of the first level, or `first.second`.", example: "training.facilitation" });
export const Country = z
  .string()
  .regex(/^[A-Z]{2}$/)
  .openapi({ description: "ISO 3166-1 alpha-2.", example: "BO" });
export const Tag = z
  .string()
  .regex(/^[^,;،؛#\s\p{Cc}]{1,40}$/u)
  .openapi({ example: "agua" });
export const FILTERS = { purpose: Purpose, settlement: Settlement };

export const Proposal = z
  .strictObject({
    id: Id,
    iri: z.string(),
    url: z.string(),
    actor: Actor,
    local: z.boolean().openapi({ description: "Of this hub." }),
    purpose: Purpose,
    name: z.string(),
    content: z.string().openapi({ description: "Sanitized HTML." }),
    language: orNull(z.string()),
    category: orNull(z.string()),
    subcategory: orNull(z.string()),
    tags: z.array(z.string()),
    languages: z.array(z.string()).openapi({ description: "In which it can be done." }),
    unit: Unit,
    available: orNull(z.int()),
    remaining: orNull(z.int()).openapi({ description: "Promised to nobody yet; null without a bound." }),
    minimum: orNull(z.int()),
    settlement: Settlement,
    unitBased: orNull(z.boolean()).openapi({ description: "The price is for each unit." }),
    price: orNull(Amount),
    location: orNull(z.string()),
    country: orNull(z.string()),
    online: z.boolean(),
    leadDays: orNull(z.int()).openapi({ description: "How many days ahead one has to ask." }),
    revision: z.int().openapi({ description: "An answer names the one that was read." }),
    published: Time,
    updated: orNull(Time),
    ends: orNull(Time),
    state: z.enum(["open", "paused", "ended", "taken"]),
    own: z.boolean(),
  })
  .openapi("Proposal");

export function toProposal(view: ProposalView): z.input<typeof Proposal> {
  const { id, iri, url, actor, local, purpose, name, content, language, category, subcategory, tags } = view;
  const { languages, unit, available, remaining, minimum, settlement, unitBased, location, country } = view;
  const { online, leadDays, revision, state, own } = view;
  const priced = view.price !== null && view.currency !== null;
  return {
    ...{ id: id.toString(), iri, url, local, purpose, name, content, language, category, subcategory, tags },
    ...{ languages, unit, available, remaining, minimum, settlement, unitBased, location, country },
    ...{ online, leadDays, revision, state, own },
    actor: toActor(actor),
    price: priced ? { value: String(view.price), currency: view.currency ?? "" } : null,
    published: view.published.toISOString(),
    updated: toTime(view.updated),
    ends: toTime(view.ends),
  };
}

export const Match = z
  .strictObject({
    proposal: Proposal,
    mine: Proposal.openapi({ description: "One's own that it fits." }),
    reason: z.strictObject({
      tag: orNull(z.string()).openapi({ description: "Both have it." }),
      category: orNull(z.enum(["second", "first"])).openapi({ description: "On which level they meet." }),
      also: orNull(z.enum(["place", "online", "language"])).openapi({ description: "What makes it easy." }),
      language: orNull(z.string()),
    }),
  })
  .openapi("Match");

export function toMatch({ proposal, mine, reason }: MatchView): z.input<typeof Match> {
  const { tag, category, also, language } = reason;
  return {
    proposal: toProposal(proposal),
    mine: toProposal(mine),
    reason: { tag, category, also, language },
  };
}

const Said = {
  id: Id,
  iri: z.string(),
  author: Actor,
  content: z.string().openapi({ description: "Sanitized HTML." }),
  language: orNull(z.string()),
  published: Time,
};
export const Question = z
  .strictObject({ ...Said, answers: z.array(z.strictObject(Said)).openapi({ description: "Oldest first." }) })
  .openapi("Question");

export function toQuestion({ post, answers }: QuestionView): z.input<typeof Question> {
  const said = ({ id, iri, author, content, language, published }: QuestionView["post"]) => ({
    ...{ id: id.toString(), iri, author: toActor(author), content, language },
    published: published.toISOString(),
  });
  return { ...said(post), answers: answers.map(said) };
}

const QUANTITY = z.int().min(1).max(1_000_000);

/** What may be changed later. */
const CHANGEABLE = {
  name: z.string().min(1).max(NAME_MAX),
  content: z.string().min(1).max(CONTENT_MAX).openapi({ description: "Plain text." }),
  category: CategoryKey,
  unit: Unit,
  settlement: Settlement,
  language: Language,
  online: z.boolean(),
};

const OPTIONAL = {
  tags: z.array(Tag).max(TAGS_MAX),
  languages: z.array(Language).max(20),
  available: orNull(QUANTITY).openapi({ description: "Units on offer; null for no bound." }),
  minimum: orNull(QUANTITY),
  unitBased: z
    .boolean()
    .openapi({ description: "The price is for each unit (unless told) or for all together." }),
  price: orNull(AmountInput).openapi({ description: "Where `settlement` is `credit`." }),
  location: orNull(z.string().max(LOCATION_MAX)),
  country: orNull(Country),
  leadDays: orNull(z.int().min(0).max(365)),
  ends: orNull(z.iso.date()).openapi({
    description: "The last day on which it stands.",
    example: "2027-03-31",
  }),
};

export const NewProposal = z
  .strictObject({ purpose: Purpose, ...CHANGEABLE, ...z.strictObject(OPTIONAL).partial().shape })
  .openapi("NewProposal");

export const ProposalChanges = z
  .strictObject({ ...CHANGEABLE, ...OPTIONAL })
  .partial()
  .strict()
  .extend({
    revision: z.int().min(1).optional().openapi({ description: "Refused when it is no longer at this one." }),
  })
  .openapi("ProposalChanges");

/** What the domain takes: numbers and prices as they are typed. What is not there is left out. */
export async function toInput(
  ctx: Ctx,
  fields: Omit<z.output<typeof ProposalChanges>, "revision">,
): Promise<Partial<ProposalInput>> {
  const { tags, price, available, minimum, location, country, leadDays, ends, ...same } = fields;
  const typed = {
    available: text(available),
    minimum: text(minimum),
    location: text(location),
    country: text(country),
    leadDays: text(leadDays),
    ends: text(ends),
    tags: tags === undefined ? undefined : typedTags(tags),
    price: price == null ? text(price) : await typedAmount(ctx, price, "price"),
  };
  const given = Object.entries({ ...same, ...typed }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Partial<ProposalInput>;
}

/** Null is an empty field; undefined one that is not there. */
function text(value: string | number | null | undefined): string | undefined {
  return value === undefined ? undefined : value === null ? "" : String(value);
}
