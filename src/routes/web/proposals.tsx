import { Hono } from "hono";
import { parseId } from "../../db/ids.ts";
import { actingAs } from "../../domain/accounts/queries.ts";
import { formatAmount } from "../../domain/amounts.ts";
import { DomainError } from "../../domain/errors.ts";
import { localHub } from "../../domain/hubs/queries.ts";
import { copiedHubs, hubOf } from "../../domain/peers/hubs.ts";
import { isCategoryKey } from "../../domain/proposals/categories.ts";
import {
  editProposal,
  pauseProposal,
  publishProposal,
  renewProposal,
  withdrawProposal,
} from "../../domain/proposals/commands.ts";
import { COUNTRIES } from "../../domain/proposals/countries.ts";
import { type HubCategory, hubCategories } from "../../domain/proposals/hub-categories.ts";
import { matchesFor } from "../../domain/proposals/matches.ts";
import { addPhoto, photosOf, removePhoto } from "../../domain/proposals/photos.ts";
import {
  exchange,
  homeOf,
  type ProposalFilter,
  proposalById,
  proposalSource,
} from "../../domain/proposals/queries.ts";
import { askQuestion, questionsOf } from "../../domain/proposals/questions.ts";
import {
  isTag,
  type ProposalInput,
  PURPOSES,
  SETTLEMENTS,
  UNITS,
  usualEnd,
} from "../../domain/proposals/rules.ts";
import { cleanText } from "../../domain/validate.ts";
import { POST_LANGUAGES } from "../../locales/index.ts";
import { ExchangePage } from "../../views/proposals/exchange-page.tsx";
import { NewProposalPage } from "../../views/proposals/new-proposal-page.tsx";
import { PhotosPage } from "../../views/proposals/photos-page.tsx";
import { ConfirmWithdrawProposalPage, ProposalPage } from "../../views/proposals/proposal-page.tsx";
import type { FormState } from "../../views/ui/page.ts";
import type { Env, WebContext } from "../env.ts";
import { requireViewer } from "../middleware/session.ts";
import { choice, formFields, render, submit, type Web } from "./page.tsx";
import { withFiles } from "./uploads.ts";

const LANGUAGES = Object.keys(POST_LANGUAGES);
/** What the form offers: one price for all is a kind of its own there. */
const RETURNS = [...SETTLEMENTS, "credit_total"] as const;

export function proposalRoutes(web: Web) {
  const { ctx } = web;
  const viewerId = (c: WebContext) => c.get("viewer")?.acting.id ?? null;

  async function formPage(
    c: WebContext,
    purpose: string | undefined,
    options: { id?: bigint; form?: FormState } = {},
  ) {
    const [hub, categories] = await Promise.all([localHub(ctx), hubCategories(ctx)]);
    return (
      <NewProposalPage
        page={web.page(c)}
        purpose={purpose === "request" ? "request" : "offer"}
        currency={{ name: hub.currencyName, symbol: hub.currencySymbol }}
        categories={categories}
        ends={usualEnd(ctx.clock.now())}
        proposalId={options.id}
        form={options.form}
      />
    );
  }

  async function proposalPage(c: WebContext, id: bigint, form?: FormState) {
    const [proposal, photos, questions] = await Promise.all([
      proposalById(ctx, id, viewerId(c)),
      photosOf(ctx, id),
      questionsOf(ctx, id, viewerId(c)),
    ]);
    return (
      <ProposalPage
        page={web.page(c)}
        proposal={proposal}
        photos={photos}
        questions={questions}
        form={form}
      />
    );
  }

  async function photosPage(c: WebContext, form?: FormState) {
    const viewer = requireViewer(c);
    const proposal = await proposalById(ctx, proposalId(c), viewer.acting.id);
    if (!proposal.own) throw new DomainError("not_found", "no such proposal");
    const photos = await photosOf(ctx, proposal.id);
    return <PhotosPage page={web.page(c)} proposal={proposal} photos={photos} form={form} />;
  }

  /** What only its author can do, by a button. */
  async function own(c: WebContext) {
    const viewer = requireViewer(c);
    const fields = await formFields(c);
    return { id: proposalId(c), acting: await actingAs(ctx, viewer.accountId, fields.as ?? "") };
  }

  return new Hono<Env>()
    .get("/exchange", async (c) => {
      const viewer = c.get("viewer");
      const organization = viewer?.acting.kind === "Organization" ? viewer.acting.id : null;
      const [categories, home, hubs] = await Promise.all([
        hubCategories(ctx),
        organization === null ? null : homeOf(ctx, organization),
        copiedHubs(ctx),
      ]);
      const filter = { ...filterOf(c, categories), hub: hubOf(c.req.query("hub"), hubs) };
      const order = home === null ? null : c.req.query("order") === "new" ? "new" : "near";
      const cursor = { before: parseId(c.req.query("before")), near: nearOf(c.req.query("near")) };
      const first = cursor.before === null && Object.values(filter).every((value) => value === undefined);
      const [proposals, matches] = await Promise.all([
        exchange(ctx, filter, viewerId(c), cursor, order === "near" ? home : null),
        first && organization !== null ? matchesFor(ctx, organization) : null,
      ]);
      return render(
        c,
        <ExchangePage
          page={web.page(c)}
          filter={filter}
          order={order}
          proposals={proposals}
          categories={categories}
          hubs={hubs}
          matches={matches}
        />,
      );
    })
    .get("/categories/:key", (c) => {
      const key = c.req.param("key");
      return c.redirect(`/exchange?category=${encodeURIComponent(key)}`);
    })
    .get("/proposals", (c) => c.redirect("/exchange?hub=here"))
    .get("/proposals/new", async (c) => {
      const purpose = c.req.query("purpose");
      if (c.get("viewer") === null) {
        return c.redirect(
          `/login?next=${encodeURIComponent(`/proposals/new?purpose=${purpose === "request" ? "request" : "offer"}`)}`,
        );
      }
      return render(c, await formPage(c, purpose));
    })
    .post("/proposals", async (c) => {
      const viewer = requireViewer(c);
      const fields = await formFields(c);
      return submit(
        c,
        fields,
        async () => {
          const acting = await actingAs(ctx, viewer.accountId, fields.as ?? "");
          const id = await publishProposal(ctx, acting, inputOf(c, fields));
          return web.done(c, `/proposals/${id}`, "notices.proposal_published");
        },
        (form) => formPage(c, fields.purpose, { form }),
      );
    })
    .get("/proposals/:id", async (c) => render(c, await proposalPage(c, proposalId(c))))
    .get("/proposals/:id/edit", async (c) => {
      const viewer = requireViewer(c);
      const id = proposalId(c);
      const proposal = await proposalById(ctx, id, viewer.acting.id);
      if (!proposal.own) throw new DomainError("not_found", "no such proposal");
      const { price, currencyScale, available, minimum, settlement, unitBased } = proposal;
      const values = {
        name: proposal.name,
        content: await proposalSource(ctx, id),
        category: proposal.subcategory ?? proposal.category ?? "",
        tags: proposal.tags.join(", "),
        unit: proposal.unit,
        available: available?.toString() ?? "",
        minimum: minimum?.toString() ?? "",
        settlement: settlement === "credit" && unitBased === false ? "credit_total" : settlement,
        price: price === null ? "" : formatAmount(price, currencyScale ?? 0),
        location: proposal.location ?? "",
        country: proposal.country ?? "",
        online: proposal.online ? "on" : "",
        leadDays: proposal.leadDays?.toString() ?? "",
        language: proposal.language ?? c.get("locale"),
        // A day that has passed would only be refused.
        ends: proposal.state === "ended" ? usualEnd(ctx.clock.now()) : dayOf(proposal.ends),
        ...Object.fromEntries(proposal.languages.map((tag) => [`lang_${tag}`, "on"])),
      };
      return render(c, await formPage(c, proposal.purpose, { id, form: { values, errors: [] } }));
    })
    .post("/proposals/:id/edit", async (c) => {
      const viewer = requireViewer(c);
      const fields = await formFields(c);
      const id = proposalId(c);
      return submit(
        c,
        fields,
        async () => {
          const acting = await actingAs(ctx, viewer.accountId, fields.as ?? "");
          await editProposal(ctx, acting, id, inputOf(c, fields));
          return web.done(c, `/proposals/${id}`, "notices.proposal_saved");
        },
        (form) => formPage(c, fields.purpose, { id, form }),
      );
    })
    .post("/proposals/:id/renew", async (c) => {
      const { id, acting } = await own(c);
      await renewProposal(ctx, acting, id);
      return web.done(c, `/proposals/${id}`, "notices.proposal_renewed");
    })
    .post("/proposals/:id/pause", async (c) => {
      const { id, acting } = await own(c);
      await pauseProposal(ctx, acting, id, true);
      return web.done(c, `/proposals/${id}`, "notices.proposal_paused");
    })
    .post("/proposals/:id/resume", async (c) => {
      const { id, acting } = await own(c);
      await pauseProposal(ctx, acting, id, false);
      return web.done(c, `/proposals/${id}`, "notices.proposal_resumed");
    })
    .post("/proposals/:id/questions", async (c) => {
      const viewer = requireViewer(c);
      const fields = await formFields(c);
      const id = proposalId(c);
      return submit(
        c,
        fields,
        async () => {
          const acting = await actingAs(ctx, viewer.accountId, fields.as ?? "");
          const question = fields.question ? parseId(fields.question) : null;
          if (fields.question && question === null) throw new DomainError("not_found", "no such question");
          await askQuestion(ctx, acting, id, {
            content: fields.content ?? "",
            language: choice("language", fields.language ?? c.get("locale"), LANGUAGES),
            question,
          });
          const notice = question === null ? "notices.question_asked" : "notices.question_answered";
          return web.done(c, `/proposals/${id}`, notice);
        },
        (form) => proposalPage(c, id, form),
      );
    })
    .get("/proposals/:id/photos", async (c) => render(c, await photosPage(c)))
    .post("/proposals/:id/photos", async (c) => {
      const viewer = requireViewer(c);
      const id = proposalId(c);
      return withFiles(ctx, c, (fields, filesOf) =>
        submit(
          c,
          fields,
          async () => {
            const acting = await actingAs(ctx, viewer.accountId, fields.as ?? "");
            const [photo] = filesOf("photo");
            if (photo === undefined)
              throw new DomainError("required", "a picture is required", { field: "photo" });
            await addPhoto(ctx, acting, id, photo, fields.photo_description);
            return web.done(c, `/proposals/${id}/photos`, "notices.photo_added");
          },
          (form) => photosPage(c, form),
        ),
      );
    })
    .post("/proposals/:id/photos/remove", async (c) => {
      const viewer = requireViewer(c);
      const fields = await formFields(c);
      const acting = await actingAs(ctx, viewer.accountId, fields.as ?? "");
      const photo = parseId(fields.photo);
      if (photo === null) throw new DomainError("not_found", "no such picture");
      const id = proposalId(c);
      await removePhoto(ctx, acting, id, photo);
      return web.done(c, `/proposals/${id}/photos`, "notices.photo_removed");
    })
    .get("/proposals/:id/withdraw", async (c) => {
      requireViewer(c);
      const proposal = await proposalById(ctx, proposalId(c), viewerId(c));
      if (!proposal.own) throw new DomainError("not_found", "no such proposal");
      return render(c, <ConfirmWithdrawProposalPage page={web.page(c)} proposal={proposal} />);
    })
    .post("/proposals/:id/withdraw", async (c) => {
      const { id, acting } = await own(c);
      await withdrawProposal(ctx, acting, id);
      return web.done(c, "/exchange", "notices.proposal_withdrawn");
    });
}

function inputOf(c: WebContext, fields: Record<string, string>): ProposalInput {
  const settlement = choice("settlement", fields.settlement, RETURNS);
  return {
    purpose: choice("purpose", fields.purpose, PURPOSES),
    name: fields.name ?? "",
    content: fields.content ?? "",
    category: fields.category ?? "",
    tags: fields.tags,
    unit: choice("unit", fields.unit, UNITS),
    available: fields.available,
    minimum: fields.minimum,
    settlement: settlement === "credit_total" ? "credit" : settlement,
    unitBased: settlement === "credit",
    price: fields.price,
    location: fields.location,
    country: fields.country,
    online: fields.online !== undefined,
    language: choice("language", fields.language ?? c.get("locale"), LANGUAGES),
    languages: LANGUAGES.filter((tag) => fields[`lang_${tag}`] !== undefined),
    leadDays: fields.leadDays,
    ends: fields.ends,
  };
}

/** What an address asks for; what it cannot mean is left out. */
function filterOf(c: WebContext, categories: readonly HubCategory[]): ProposalFilter {
  const query = (name: string) => cleanText((c.req.query(name) ?? "").slice(0, 500));
  const category = query("category");
  const tag = query("tag").replace(/^#/, "").normalize("NFC").toLowerCase();
  const where = query("where");
  return {
    text: query("q").slice(0, 200) || undefined,
    purpose: PURPOSES.find((known) => known === query("purpose")),
    category:
      isCategoryKey(category) || categories.some(({ key }) => key === category) ? category : undefined,
    settlement: SETTLEMENTS.find((known) => known === query("settlement")),
    language: LANGUAGES.find((known) => known === query("language")),
    country: COUNTRIES.find((known) => known === where),
    online: where === "online" ? true : undefined,
    tag: isTag(tag) ? tag : undefined,
  };
}

function nearOf(text: string | undefined): number {
  return /^[0-3]$/.test(text ?? "") ? Number(text) : 0;
}

function dayOf(ends: Date | null): string {
  return ends?.toISOString().slice(0, 10) ?? "";
}

function proposalId(c: WebContext) {
  const id = parseId(c.req.param("id"));
  if (id === null) throw new DomainError("not_found", "no such proposal");
  return id;
}
