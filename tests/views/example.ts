import type { Viewer } from "../../src/domain/accounts/queries.ts";
import type { ActorView, ProfileView } from "../../src/domain/actors/queries.ts";
import type { PostView } from "../../src/domain/posts/queries.ts";
import type { ProposalView } from "../../src/domain/proposals/queries.ts";
import { type Locale, translator } from "../../src/locales/index.ts";
import type { PageContext } from "../../src/views/ui/page.ts";

/*
 * Invented people, organizations and texts for rendering pages. Nobody here exists.
 */

export const NOW = new Date("2027-03-02T15:04:00Z");
const ORIGIN = "https://red.example";

let sequence = 0n;
const nextId = (at = NOW) => (BigInt(at.getTime()) << 16n) | sequence++;

export function actor(values: Partial<ActorView> & { handle: string; name: string }): ActorView {
  const id = values.id ?? nextId(new Date(NOW.getTime() + values.handle.length * 12_347));
  const host = values.host ?? null;
  return {
    id,
    iri: `${host ? `https://${host}` : ORIGIN}/actors/${id}`,
    kind: "Organization",
    host,
    acct: host ? `${values.handle}@${host}` : values.handle,
    summary: "",
    url: `${host ? `https://${host}` : ORIGIN}/@${values.handle}`,
    avatar: null,
    locked: false,
    verified: false,
    created: new Date("2026-11-05T09:00:00Z"),
    ...values,
  };
}

export const ANA = actor({ handle: "ana", name: "Ana Ejemplo", kind: "Person" });
export const SEMILLA = actor({
  handle: "red_semilla",
  name: "Red Semilla (ejemplo)",
  summary:
    "<p>Acompañamos a comunidades del corredor seco en agua, semillas y economía solidaria. <strong>Datos inventados.</strong></p>",
});
export const NUR = actor({
  handle: "nour",
  host: "mena.example",
  name: "جمعية نور (مثال)",
  summary: "<p>ندرّب النساء على العمل المجتمعي. بيانات مختلقة.</p>",
});
export const RIO = actor({ handle: "vozes_do_rio", name: "Vozes do Rio (exemplo)" });

export const VIEWER: Viewer = {
  accountId: nextId(),
  role: "member",
  locale: "es",
  person: ANA,
  organizations: [SEMILLA],
  acting: ANA,
  unread: 3,
};
export const AS_ORGANIZATION: Viewer = { ...VIEWER, acting: SEMILLA };

export function pageContext(locale: Locale, values: Partial<PageContext> = {}): PageContext {
  return {
    locale,
    t: translator(locale),
    viewer: null,
    hub: {
      name: "Red de Redes (demostración)",
      origin: ORIGIN,
      host: "red.example",
      description: "Organizaciones de América Latina y el Caribe que se acompañan y comparten lo que saben.",
    },
    path: "/",
    assets: { style: "/assets/style.css", script: "/assets/main.js" },
    timeZone: "America/Guatemala",
    ...values,
  };
}

export function post(values: Partial<PostView> = {}): PostView {
  const id = nextId();
  return {
    id,
    iri: `${ORIGIN}/posts/${id}`,
    url: `${ORIGIN}/posts/${id}`,
    author: SEMILLA,
    local: true,
    name: null,
    content:
      "<p>Terminamos el tercer taller de bancos de semillas en el valle: 34 familias, 12 variedades de maíz y muchas ganas de seguir. Gracias a quienes prestaron la sala.</p><p>El material queda libre para quien lo quiera usar.</p>",
    summary: null,
    language: "es",
    visibility: "public",
    inReplyTo: null,
    proposalId: null,
    published: new Date("2027-03-02T14:20:00Z"),
    updated: null,
    own: false,
    ...values,
  };
}

export function proposal(values: Partial<ProposalView> = {}): ProposalView {
  const id = nextId();
  return {
    id,
    iri: `${ORIGIN}/proposals/${id}`,
    url: `${ORIGIN}/proposals/${id}`,
    actor: SEMILLA,
    local: true,
    purpose: "offer",
    name: "Taller de contabilidad básica para organizaciones comunitarias",
    content:
      "<p>Dos mañanas con ejercicios: libro de caja, presupuesto y rendición de cuentas. Para equipos de hasta doce personas, sin conocimientos previos.</p><p>Llevamos el material; hace falta una sala con pizarra.</p>",
    language: "es",
    category: "accounting",
    subcategory: "accounting.bookkeeping",
    categoryLabels: null,
    tags: ["contabilidad", "economía_solidaria"],
    languages: ["es", "quc"],
    unit: "hour",
    available: 40,
    remaining: 32,
    committed: 8,
    minimum: 2,
    unitBased: true,
    settlement: "credit",
    price: 150n,
    currency: "https://hub.example/currency",
    currencySymbol: "cr",
    currencyScale: 2,
    location: "Chiquimula",
    country: "GT",
    online: true,
    leadDays: 7,
    revision: 1,
    updated: null,
    state: "open",
    published: new Date("2027-02-20T16:00:00Z"),
    ends: new Date("2027-06-30T23:59:59Z"),
    own: false,
    hub: null,
    here: null,
    ...values,
  };
}

export function profile(of: ActorView, values: Partial<ProfileView> = {}): ProfileView {
  return {
    ...of,
    followers: 1234,
    following: 2,
    posts: 1,
    relation: { following: "no", followedBy: false, own: false },
    ...values,
  };
}
