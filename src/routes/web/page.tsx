import type { Child } from "hono/jsx";
import { actingAs, type Viewer } from "../../domain/accounts/queries.ts";
import type { ActorView } from "../../domain/actors/queries.ts";
import type { Acting } from "../../domain/context.ts";
import { DomainError, ERROR_STATUS } from "../../domain/errors.ts";
import { type NoticeKey, noticeKey } from "../../locales/index.ts";
import type { FormState, PageContext } from "../../views/ui/page.ts";
import { isRead, type RouteOptions, type WebContext } from "../env.ts";
import { clearCookie, readCookie, writeCookie } from "../middleware/cookies.ts";
import { requireViewer } from "../middleware/session.ts";

/** The web routes' tools, made once. */
export interface Web extends RouteOptions {
  /** What every page is given. Takes the notice that the last redirect left. */
  page(c: WebContext): PageContext;
  /** Leads on after a form (303), with a notice on the next page. */
  done(c: WebContext, path: string, notice: NoticeKey): Response;
}

export function createWeb(options: RouteOptions): Web {
  const { origin, host } = options.ctx.hub;
  return {
    ...options,
    page(c) {
      const hub = c.get("hub");
      const left = readCookie(c, origin, "notice");
      if (left !== undefined) clearCookie(c, origin, "notice");
      const url = new URL(c.req.url);
      return {
        locale: c.get("locale"),
        t: c.get("t"),
        viewer: c.get("viewer"),
        waiting: c.get("waiting") ?? 0,
        hub: { name: hub?.name ?? "Ayni", origin, host, description: hub?.description ?? "" },
        // A page that answers a form has no address of its own: back leads to where the form was.
        path: isRead(c) ? url.pathname + url.search : (refererPath(c, origin) ?? "/"),
        notice: noticeKey(left),
        assets: options.assets,
        timeZone: "UTC",
      };
    },
    done(c, path, notice) {
      writeCookie(c, origin, "notice", notice);
      return c.redirect(path, 303);
    },
  };
}

function refererPath(c: WebContext, origin: string): string | null {
  const referer = URL.parse(c.req.header("referer") ?? "");
  return referer?.origin === origin ? safePath(referer.pathname + referer.search) : null;
}

export const MAX_FIELDS = 60;
export const MAX_FORM = 256 * 1024;
const SECRET = /password/;

/**
 * The fields of a form, as text; of several with one name the last. What is not text (an uploaded file) is not there:
 * forms with files want `withFiles`.
 *
 * @throws DomainError too_long, invalid
 */
export async function formFields(c: WebContext): Promise<Record<string, string>> {
  const fields: Record<string, string> = Object.create(null) as Record<string, string>;
  const bytes = await formBody(c);
  const form = await new Response(bytes, { headers: { "content-type": c.req.header("content-type") ?? "" } })
    .formData()
    .catch(notWhole);
  for (const [name, value] of [...form].slice(0, MAX_FIELDS)) {
    if (typeof value === "string") fields[name] = value;
  }
  return fields;
}

async function formBody(c: WebContext): Promise<Buffer<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  const tooLong = () =>
    new DomainError("too_long", "the form is too large", { details: { max: MAX_FORM, length: MAX_FORM } });
  for await (const chunk of sentBytes(c, MAX_FORM, tooLong)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** What was sent, counted as it comes: a length may be announced wrongly, or not at all. */
export async function* sentBytes(
  c: WebContext,
  max: number,
  tooLarge: () => DomainError,
): AsyncGenerator<Uint8Array> {
  if (Number(c.req.header("content-length") ?? 0) > max) throw tooLarge();
  let length = 0;
  const reader = c.req.raw.body?.getReader();
  while (reader !== undefined) {
    const { done, value } = await reader.read().catch(notWhole);
    if (done) return;
    length += value.byteLength;
    if (length > max) throw tooLarge();
    yield value;
  }
}

export function notWhole(cause?: unknown): never {
  throw new DomainError("invalid", "the form did not arrive whole", { cause });
}

/** One of the choices a form offers; anything else is not from the form. @throws DomainError invalid */
export function choice<const T extends string>(
  field: string,
  value: string | undefined,
  choices: readonly T[],
): T {
  const found = choices.find((known) => known === value);
  if (found === undefined)
    throw new DomainError("invalid", `${field} must be one of ${choices.join(", ")}`, { field });
  return found;
}

/**
 * What is found for the first of the viewer's actors whose it is: a link leads there whoever one acts as just now.
 *
 * @throws DomainError not_found when it is none of theirs
 */
export async function asWhoeverMay<T>(
  { acting, organizations, person }: Viewer,
  load: (actor: ActorView) => Promise<T>,
): Promise<T> {
  let refusal: unknown;
  for (const actor of [acting, ...organizations, person]) {
    try {
      return await load(actor);
    } catch (error) {
      if (!(error instanceof DomainError) || error.code !== "not_found") throw error;
      refusal ??= error;
    }
  }
  throw refusal;
}

/**
 * Does what a form asks for. When it cannot be done for a reason that the person can mend, the form comes back with what was
 * typed (but passwords) and with the error at its field.
 */
export async function submit(
  c: WebContext,
  fields: Record<string, string>,
  action: () => Promise<Response>,
  again: (form: FormState) => Child | Promise<Child>,
): Promise<Response> {
  try {
    return await action();
  } catch (error) {
    if (
      !(error instanceof DomainError) ||
      ["not_found", "gone", "login_required", "forbidden"].includes(error.code)
    ) {
      throw error;
    }
    const values = Object.fromEntries(Object.entries(fields).filter(([name]) => !SECRET.test(name)));
    const form = {
      values,
      errors: [{ field: error.field ?? null, code: error.code, details: error.details }],
    };
    return render(c, await again(form), ERROR_STATUS[error.code]);
  }
}

/**
 * As `submit`, for a form that is sent in somebody's name: does it as the actor that `as` names, if the viewer may act as that one.
 *
 * @throws DomainError login_required, forbidden
 */
export async function submitAs(
  { ctx }: Web,
  c: WebContext,
  action: (acting: Acting, fields: Record<string, string>) => Promise<Response>,
  again: (form: FormState) => Child | Promise<Child>,
): Promise<Response> {
  const { accountId } = requireViewer(c);
  const fields = await formFields(c);
  return submit(
    c,
    fields,
    async () => action(await actingAs(ctx, accountId, fields.as ?? ""), fields),
    again,
  );
}

/** A page as the answer. It is rendered whole before anything is sent: no query runs while a slow client reads. */
export async function render(c: WebContext, view: Child, status = 200): Promise<Response> {
  return c.html(String(await view), status as 200);
}

/** Where a form leads back to: a path of this hub, nothing that a browser would read as another address. */
export function safePath(text: string | undefined): string | null {
  if (text === undefined || text.length > 2000 || !/^\/(?![/\\])[\x21-\x7e]*$/.test(text)) return null;
  const url = URL.parse(text, "http://here.invalid");
  if (url === null || url.host !== "here.invalid") return null;
  // What is left of "/.//host" once its dots are resolved.
  return url.pathname.startsWith("//") ? null : url.pathname + url.search;
}
