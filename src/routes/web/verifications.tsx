import { Hono } from "hono";
import { type Id, parseId } from "../../db/ids.ts";
import { actingAs } from "../../domain/accounts/queries.ts";
import { actorByAcct, actorById } from "../../domain/actors/queries.ts";
import { DomainError } from "../../domain/errors.ts";
import { DECISIONS, SIZE_CLASSES } from "../../domain/organizations/rules.ts";
import {
  decidedVerifications,
  decideVerification,
  requestVerification,
  verificationOf,
  verificationQueue,
} from "../../domain/organizations/verification.ts";
import { vouch, vouchesOf, vouchOffer, withdrawVouch } from "../../domain/organizations/vouching.ts";
import { VerificationPage } from "../../views/organizations/verification-page.tsx";
import { DecideVerificationPage, VerificationsPage } from "../../views/organizations/verifications-page.tsx";
import { VouchPage } from "../../views/organizations/vouch-page.tsx";
import type { FormState } from "../../views/ui/page.ts";
import type { Env, WebContext } from "../env.ts";
import { requireViewer } from "../middleware/session.ts";
import { currencyOf } from "./ledger.tsx";
import { choice, formFields, render, submit, submitAs, type Web } from "./page.tsx";

/** Verification of organizations, and their vouching for one another. */
export function verificationRoutes(web: Web) {
  const { ctx } = web;

  async function ownPage(c: WebContext, form?: FormState) {
    const viewer = requireViewer(c);
    const [currency, verification, vouches] = await Promise.all([
      currencyOf(web),
      verificationOf(ctx, viewer.acting.id),
      vouchesOf(ctx, viewer.acting.id),
    ]);
    const page = { ...web.page(c), viewer };
    return (
      <VerificationPage
        page={page}
        currency={currency}
        verification={verification}
        vouches={vouches}
        form={form}
      />
    );
  }

  async function decidePage(c: WebContext, form?: FormState) {
    const viewer = requireCurator(c);
    const organizationId = idOf(c);
    const verification = await verificationOf(ctx, organizationId);
    if (verification === null) throw new DomainError("not_found", "this organization did not ask");
    const [organization, { received }] = await Promise.all([
      actorById(ctx, organizationId),
      vouchesOf(ctx, organizationId),
    ]);
    return (
      <DecideVerificationPage
        page={{ ...web.page(c), viewer }}
        verification={{ ...verification, organization }}
        vouches={received}
        form={form}
      />
    );
  }

  async function vouchPage(c: WebContext, form?: FormState) {
    const viewer = requireViewer(c);
    const organization = await actorByAcct(ctx, c.req.param("acct") ?? "");
    const offer = await vouchOffer(ctx, viewer.acting.id, organization.id);
    if (offer === null || organization.kind !== "Organization" || organization.host !== null)
      throw new DomainError("not_found", "no such organization to vouch for");
    const page = { ...web.page(c), viewer };
    const currency = await currencyOf(web);
    return (
      <VouchPage page={page} currency={currency} organization={organization} max={offer.max} form={form} />
    );
  }

  return new Hono<Env>()
    .get("/settings/verification", async (c) => render(c, await ownPage(c)))
    .post("/settings/verification", (c) =>
      submitAs(
        web,
        c,
        async (acting, fields) => {
          await requestVerification(ctx, acting, {
            sizeClass: chosen("size_class", fields, SIZE_CLASSES),
            statement: fields.statement ?? "",
          });
          return web.done(c, "/settings/verification", "notices.verification_requested");
        },
        (form) => ownPage(c, form),
      ),
    )
    .get("/admin/verifications", async (c) => {
      const viewer = requireCurator(c);
      const [queue, decided] = await Promise.all([
        verificationQueue(ctx),
        decidedVerifications(ctx, parseId(c.req.query("before"))),
      ]);
      return render(
        c,
        <VerificationsPage page={{ ...web.page(c), viewer }} queue={queue} decided={decided} />,
      );
    })
    .get("/admin/verifications/:id", async (c) => render(c, await decidePage(c)))
    .post("/admin/verifications/:id", async (c) => {
      const viewer = requireCurator(c);
      const fields = await formFields(c);
      return submit(
        c,
        fields,
        async () => {
          const acting = await actingAs(ctx, viewer.accountId, fields.as ?? "");
          const { inUse } = await decideVerification(ctx, acting, idOf(c), {
            state: chosen("state", fields, DECISIONS),
            sizeClass: chosen("size_class", fields, SIZE_CLASSES),
            note: fields.note,
          });
          return web.done(
            c,
            "/admin/verifications",
            inUse ? "notices.verification_in_use" : "notices.verification_decided",
          );
        },
        (form) => decidePage(c, form),
      );
    })
    .get("/:acct{@[^/]+}/vouch", async (c) => render(c, await vouchPage(c)))
    .post("/:acct{@[^/]+}/vouch", (c) =>
      submitAs(
        web,
        c,
        async (acting, fields) => {
          const organization = await actorByAcct(ctx, c.req.param("acct"));
          await vouch(ctx, acting, organization.id, fields.amount ?? "");
          return web.done(c, `/@${organization.acct}`, "notices.vouched");
        },
        (form) => vouchPage(c, form),
      ),
    )
    .post("/:acct{@[^/]+}/vouch/withdraw", async (c) => {
      const viewer = requireViewer(c);
      const fields = await formFields(c);
      const acting = await actingAs(ctx, viewer.accountId, fields.as ?? "");
      const organization = await actorByAcct(ctx, c.req.param("acct"));
      await withdrawVouch(ctx, acting, organization.id);
      return web.done(c, "/settings/verification", "notices.vouch_withdrawn");
    });
}

/** Whoever may decide; others are not told that there is something. @throws DomainError login_required, not_found */
function requireCurator(c: WebContext) {
  const viewer = requireViewer(c);
  if (viewer.role !== "curator" && viewer.role !== "admin")
    throw new DomainError("not_found", "no such page");
  return viewer;
}

/** A choice that the form does not make for anybody. @throws DomainError required, invalid */
function chosen<const T extends string>(
  field: string,
  fields: Record<string, string>,
  choices: readonly T[],
): T {
  if ((fields[field] ?? "") === "") throw new DomainError("required", `${field} is required`, { field });
  return choice(field, fields[field], choices);
}

function idOf(c: WebContext): Id {
  const id = parseId(c.req.param("id"));
  if (id === null) throw new DomainError("not_found", "no such organization");
  return id;
}
