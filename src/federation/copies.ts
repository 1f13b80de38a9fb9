import { setImmediate as breathe } from "node:timers/promises";
import { getLogger } from "@logtape/logtape";
import { z } from "zod";
import { type RemoteActor, removeRemoteActor } from "../domain/actors/commands.ts";
import { findActorsByIri } from "../domain/actors/queries.ts";
import { parseAmount } from "../domain/amounts.ts";
import { DomainError } from "../domain/errors.ts";
import { held, storeOrganizations, storeProposals } from "../domain/peers/copied.ts";
import {
  agree,
  beginRound,
  CopyFailure,
  type CopyFailureCode,
  type CopyTask,
  copyAgrees,
  copyFailed,
  copyTask,
  endPage,
} from "../domain/peers/copies.ts";
import type { RemoteProposal } from "../domain/proposals/receive.ts";
import type { Json, JsonObject } from "../json.ts";
import type { Job } from "../queue/worker.ts";
import type { Federation } from "./context.ts";
import { EgressError } from "./egress.ts";
import { isObject, outOfBounds } from "./envelope.ts";
import { isGone } from "./inbox/actors.ts";
import { parseActor } from "./vocab/actors.ts";
import { parseEmbedded } from "./vocab/parse.ts";
import { type ParsedProposal, parseProposal, typeMarketplaceTerms } from "./vocab/proposals.ts";

const logger = getLogger(["ayni", "copies"]);

/** Most entries of a page that are looked at. */
const PAGE_MAX = 500;

const copiesJob = z.union([z.object({ peer: z.string().transform(BigInt) }), z.object({ gone: z.string() })]);

type At = CopyTask & { at: NonNullable<CopyTask["at"]> };

/**
 * Copies peers' organizations and proposals, a page for a job: the job that ends a page enqueues the next. A peer's pages are believed
 * only in what is under its own origin, and an entry is read as if it had been delivered.
 */
export function createCopier(federation: Federation): (job: Job) => Promise<void> {
  const { ctx, remote } = federation;
  return async (job) => {
    const payload = copiesJob.parse(job.payload);
    if ("gone" in payload) {
      if (await isGone(remote, payload.gone)) await removeRemoteActor(ctx, payload.gone);
      return;
    }
    const task = await copyTask(ctx, payload.peer);
    if (task === null) return;
    try {
      const { at } = task;
      if (at === null) await beginOrCompare(federation, task);
      else await copyPage(federation, { ...task, at });
    } catch (error) {
      const failure = failureOf(error);
      if (failure === null) throw error;
      logger.info("The copy of {origin} failed: {error}", { origin: task.origin, error: failure });
      await copyFailed(ctx, task, failure.code);
    }
  };
}

/** Asks for the totals of both lists. Where they are what is here, and nobody asked for more, nothing is read. */
async function beginOrCompare(federation: Federation, task: CopyTask): Promise<void> {
  const { ctx } = federation;
  const [organizations, proposals] = await Promise.all([
    get(federation, `${task.origin}/organizations`).then(totalOf),
    get(federation, `${task.origin}/proposals`).then(totalOf),
  ]);
  const theirs = {
    organizations: organizations.items,
    proposals: proposals.items,
    revisions: proposals.revisions,
  };
  const compare = task.completed !== null && !task.forced;
  if (compare && agree(await held(ctx, task.peerId), theirs, task.skipped)) await copyAgrees(ctx, task);
  else await beginRound(ctx, task, theirs.organizations + theirs.proposals);
}

async function copyPage(federation: Federation, task: At): Promise<void> {
  const { ctx } = federation;
  const { peerId, at } = task;
  const asked = ctx.clock.now();
  const page = readPage(await get(federation, at.url), task.origin);
  const end = (taken: number, store: Parameters<typeof endPage>[3]) =>
    endPage(ctx, task, { next: page.next, skipped: page.items.length - taken }, store);
  if (at.list === "organizations") {
    const list = await readOrganizations(federation, task, page);
    await end(list.length, (ctx) => storeOrganizations(ctx, peerId, list, asked));
  } else {
    const list = await readProposals(federation, task, page);
    await end(list.length, (ctx) => storeProposals(ctx, peerId, list, asked));
  }
}

async function get({ remote }: Federation, url: string): Promise<JsonObject> {
  const { json } = await remote.fetchActivityJson(url);
  if (!isObject(json)) throw new CopyFailure("invalid", `${url} is no JSON object`);
  return json as JsonObject;
}

function totalOf(json: JsonObject): { items: number; revisions: number | null } {
  const count = (value: unknown) =>
    typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : null;
  const items = count(json.totalItems);
  if (json.type !== "OrderedCollection" || items === null || items > 2 ** 31 - 1)
    throw new CopyFailure("invalid", "a list does not say how long it is");
  return { items, revisions: count(json["ayni:revisions"]) };
}

interface PageOf {
  context: Json | undefined;
  items: Json[];
  next: string | null;
}

/** @throws CopyFailure what cannot be a page, or leads elsewhere */
function readPage(json: JsonObject, origin: string): PageOf {
  const { orderedItems: items, next = null } = json;
  if (json.type !== "OrderedCollectionPage" || !Array.isArray(items))
    throw new CopyFailure("invalid", "what is served is no page of a list");
  if (items.length > PAGE_MAX) throw new CopyFailure("too_large", `a page has ${items.length} entries`);
  const { "@context": context } = typeMarketplaceTerms(json);
  if (outOfBounds({ context: context ?? null }, true) !== null)
    throw new CopyFailure("invalid", "a page's context is out of bounds");
  if (next === null) return { context, items, next };
  const url = typeof next === "string" && next.length <= 1500 ? URL.parse(next) : null;
  if (url === null) throw new CopyFailure("invalid", "a page does not say which one is next");
  if (url.origin !== origin) throw new CopyFailure("foreign", `a page of ${origin} leads to ${url.origin}`);
  return { context, items, next: url.href };
}

/** Each entry that can be taken, once; `read` returns null for what cannot. */
async function eachOf<T extends { iri: string }>(
  { items, context }: PageOf,
  origin: string,
  read: (raw: JsonObject, context: Json | undefined) => Promise<T | null>,
): Promise<T[]> {
  const taken = new Map<string, T>();
  for (const [index, raw] of items.entries()) {
    // Pages for people are served by the same process.
    if (index % 10 === 9) await breathe();
    if (!isObject(raw) || outOfBounds(raw, true) !== null) continue;
    const entry = await read(raw, context).catch((error: unknown) => {
      if (error instanceof DomainError && error.code !== "remote_unreachable") return null;
      throw error;
    });
    if (entry !== null && new URL(entry.iri).origin === origin) taken.set(entry.iri, entry);
  }
  return [...taken.values()];
}

async function readOrganizations(
  { check }: Federation,
  { origin, host }: At,
  page: PageOf,
): Promise<RemoteActor[]> {
  return eachOf(page, origin, async (raw, context) => {
    const actor = await parseActor(await parseEmbedded(raw, context), host, check);
    return actor?.kind === "Organization" ? actor : null;
  });
}

async function readProposals({ ctx, remote, check }: Federation, task: At, page: PageOf) {
  const parsed = await eachOf(page, task.origin, async (raw, context) => {
    const object = await parseEmbedded(raw, context);
    const author = object.attributionId?.href;
    if (author === undefined || new URL(author).origin !== task.origin) return null;
    const proposal = await parseProposal(object, raw, { iri: author }, check);
    return proposal && { ...proposal, author };
  });
  const authors = await findActorsByIri(ctx, [...new Set(parsed.map(({ author }) => author))]);
  const proposals: (RemoteProposal & { actorId: bigint })[] = [];
  for (const { author: iri, priceText, ...fields } of parsed) {
    let author = authors.get(iri);
    if (author === undefined) {
      // Somebody who is no organization, or became one since that list was read.
      author = await remote.actorByIri(iri).catch((error: unknown) => {
        if (error instanceof DomainError && error.code !== "remote_unreachable") return undefined;
        throw error;
      });
      if (author !== undefined) authors.set(iri, author);
    }
    if (author === undefined || author.host === null || author.iri !== iri) continue;
    proposals.push({ ...fields, ...priceIn(task.currency, fields, priceText), actorId: author.id });
  }
  return proposals;
}

/** A price in the peer's own currency, which its terms describe; a page cannot make this hub ask about others. */
function priceIn(
  known: CopyTask["currency"],
  { currency }: Pick<ParsedProposal, "currency">,
  priceText: string | null,
): Pick<RemoteProposal, "price" | "currencySymbol" | "currencyScale"> {
  const none = { price: null, currencySymbol: null, currencyScale: null };
  if (priceText === null || currency !== known.iri) return none;
  try {
    const price = parseAmount("price", priceText, known.scale);
    return { price, currencySymbol: known.symbol, currencyScale: known.scale };
  } catch (error) {
    if (error instanceof DomainError) return none;
    throw error;
  }
}

/** Null for what is a fault of ours. */
function failureOf(error: unknown): CopyFailure | null {
  if (error instanceof CopyFailure) return error;
  const failed = (code: CopyFailureCode) => new CopyFailure(code, (error as Error).message, { cause: error });
  if (error instanceof DomainError)
    return failed(error.code === "remote_unreachable" ? "unreachable" : "invalid");
  if (!(error instanceof EgressError)) return null;
  if (error.code === "too_large") return failed("too_large");
  if (error.code === "redirect") return failed("foreign");
  if (error.code === "status")
    return failed([404, 410].includes(error.status ?? 0) ? "invalid" : "unreachable");
  return failed(["invalid_json", "bad_content_type"].includes(error.code) ? "invalid" : "unreachable");
}
