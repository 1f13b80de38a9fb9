import type { Child } from "hono/jsx";
import type {
  BetweenHubs,
  FullAgreement,
  MessageView,
  StepView,
} from "../../src/domain/agreements/queries.ts";
import type { Money } from "../../src/domain/agreements/quote-rules.ts";
import { type Side, whoActs } from "../../src/domain/agreements/rules.ts";
import type { Stewarding } from "../../src/domain/agreements/stewarding.ts";
import type { ProposalView } from "../../src/domain/proposals/queries.ts";
import type { Locale } from "../../src/locales/index.ts";
import { AgreementActionPage } from "../../src/views/agreements/action-page.tsx";
import { AgreementPage, type AgreementPageProps } from "../../src/views/agreements/agreement-page.tsx";
import { AgreementsPage, DisputesPage } from "../../src/views/agreements/agreements-page.tsx";
import {
  NewAgreementPage,
  type NewAgreementPageProps,
} from "../../src/views/agreements/new-agreement-page.tsx";
import type { PageContext } from "../../src/views/ui/page.ts";
import { AS_ORGANIZATION, NUR, pageContext, proposal, RIO, SEMILLA, VIEWER } from "./example.ts";

const OFFER = proposal({
  actor: RIO,
  revision: 3,
  remaining: 38,
  state: "open",
  leadDays: 7,
  currencySymbol: "₳",
});
const day = (text: string) => new Date(`2027-${text}T12:00:00Z`);
let ids = 1000n;

function step(values: Partial<StepView> & Pick<StepView, "message" | "state" | "party">): StepView {
  return {
    id: ids++,
    person: null,
    amount: null,
    quantity: null,
    due: null,
    note: null,
    signed: values.party !== null,
    theirs: false,
    created: day("03-03"),
    ...values,
  };
}

const OFFERED = step({
  message: "offer",
  state: "offered",
  party: "receiver",
  person: "Ana Ejemplo",
  quantity: 2,
  amount: 300n,
  due: day("04-15"),
  note: "Para el equipo nuevo: son cinco personas y una sala prestada.",
});
const ACCEPTED = step({ message: "accept", state: "funded", party: "provider", created: day("03-05") });
const DELIVERED = step({ message: "deliver", state: "delivered", party: "provider", created: day("04-12") });

/** An invented agreement: the viewer's organization gets a workshop for credits. */
export function agreement(values: Partial<FullAgreement> = {}): FullAgreement {
  const id = ids++;
  return {
    id,
    iri: `https://red.example/agreements/${id}`,
    state: "offered",
    settlement: "credit",
    proposal: {
      id: OFFER.id,
      iri: OFFER.iri,
      name: OFFER.name,
      language: "es",
      purpose: "offer",
      revision: 1,
    },
    provider: RIO,
    receiver: SEMILLA,
    proposer: "provider",
    offeredBy: "receiver",
    quantity: 2,
    unit: "hour",
    amount: 300n,
    currency: { symbol: "₳", scale: 2 },
    between: null,
    due: day("04-15"),
    voucherId: null,
    transferId: 5n,
    donation: 0,
    settledAmount: null,
    settledQuantity: null,
    automatic: false,
    disputedBy: null,
    created: day("03-03"),
    accepted: null,
    delivered: null,
    settled: null,
    changed: day("03-03"),
    deadline: day("03-17"),
    party: "receiver",
    waitsFor: ["provider"],
    possible: ["withdraw"],
    steward: false,
    resolution: null,
    steps: [OFFERED],
    ...values,
  };
}

const MESSAGES: MessageView[] = [
  {
    id: 3n,
    author: SEMILLA,
    content: "",
    document: { id: 9n, name: "programa del taller.pdf", type: "application/pdf", bytes: 84_211 },
    own: true,
    created: day("03-08"),
  },
  {
    id: 2n,
    author: SEMILLA,
    content: "¡Perfecto! Les mando el programa.\nLa sala abre a las 8.",
    document: null,
    own: true,
    created: day("03-07"),
  },
  {
    id: 1n,
    author: RIO,
    content: "Podemos el jueves 15 por la mañana. ¿Les queda bien?",
    document: null,
    own: false,
    created: day("03-06"),
  },
];

/** As the one who did the work and waits for the other's word, in all its other states too. */
const STATES: Record<string, FullAgreement> = {
  "to-answer": agreement({
    party: "provider",
    provider: SEMILLA,
    receiver: RIO,
    possible: ["accept", "counter", "reject"],
  }),
  "to-pay": agreement({
    offeredBy: "provider",
    proposer: "receiver",
    waitsFor: ["receiver"],
    possible: ["accept", "counter", "reject"],
    transferId: null,
  }),
  offered: agreement(),
  funded: agreement({
    state: "funded",
    party: "provider",
    provider: SEMILLA,
    receiver: RIO,
    accepted: day("03-05"),
    deadline: day("04-29"),
    possible: ["deliver", "cancel"],
    steps: [OFFERED, ACCEPTED],
  }),
  delivered: agreement({
    state: "delivered",
    accepted: day("03-05"),
    delivered: day("04-12"),
    deadline: day("04-26"),
    waitsFor: ["receiver"],
    possible: ["confirm", "dispute"],
    steps: [OFFERED, ACCEPTED, DELIVERED],
  }),
  settled: agreement({
    state: "settled",
    accepted: day("03-05"),
    delivered: day("04-12"),
    settled: day("04-13"),
    settledAmount: 200n,
    settledQuantity: 1,
    donation: 5,
    deadline: null,
    waitsFor: [],
    possible: [],
    steps: [
      OFFERED,
      ACCEPTED,
      DELIVERED,
      step({
        message: "confirm",
        state: "settled",
        party: "receiver",
        person: "Ana Ejemplo",
        amount: 200n,
        quantity: 1,
        note: "La segunda hora no hizo falta.",
        created: day("04-13"),
      }),
    ],
  }),
  silence: agreement({
    state: "settled",
    party: "provider",
    provider: SEMILLA,
    receiver: RIO,
    voucherId: 4n,
    accepted: day("03-05"),
    delivered: day("04-12"),
    settled: day("04-26"),
    settledAmount: 300n,
    settledQuantity: 2,
    automatic: true,
    deadline: null,
    waitsFor: [],
    possible: [],
    steps: [OFFERED, ACCEPTED, DELIVERED, step({ message: "silence", state: "settled", party: null })],
  }),
  cancelled: agreement({
    state: "cancelled",
    accepted: day("03-05"),
    changed: day("03-20"),
    deadline: null,
    waitsFor: [],
    possible: [],
    transferId: null,
    steps: [
      OFFERED,
      ACCEPTED,
      step({ message: "cancel", state: "cancelled", party: "provider", note: "Se enfermó la facilitadora." }),
    ],
  }),
  disputed: agreement({
    state: "disputed",
    accepted: day("03-05"),
    delivered: day("04-12"),
    changed: day("04-14"),
    deadline: day("04-28"),
    disputedBy: "receiver",
    waitsFor: ["receiver"],
    possible: ["confirm", "sign"],
    resolution: {
      id: 8n,
      release: 150n,
      note: "Se dio una de las dos mañanas: proponemos pagar la mitad.",
      created: day("04-16"),
      providerSigned: day("04-17"),
      receiverSigned: null,
      applied: null,
    },
    steps: [
      OFFERED,
      ACCEPTED,
      DELIVERED,
      step({ message: "dispute", state: "disputed", party: "receiver", note: "Faltó la segunda mañana." }),
      step({ message: "propose", state: "disputed", party: null, amount: 150n }),
      step({ message: "sign", state: "disputed", party: "provider", amount: 150n }),
    ],
  }),
  steward: agreement({
    state: "disputed",
    party: null,
    steward: true,
    accepted: day("03-05"),
    delivered: day("04-12"),
    changed: day("04-14"),
    deadline: day("04-28"),
    disputedBy: "receiver",
    waitsFor: ["provider", "receiver"],
    possible: [],
    steps: [OFFERED, ACCEPTED, DELIVERED, step({ message: "dispute", state: "disputed", party: "receiver" })],
  }),
  gift: agreement({
    state: "accepted",
    settlement: "none",
    amount: null,
    currency: null,
    transferId: null,
    quantity: 1,
    unit: "one",
    due: null,
    receiver: NUR,
    provider: SEMILLA,
    party: "provider",
    accepted: day("03-05"),
    possible: ["deliver", "cancel"],
    steps: [],
  }),
};

/** Of a dispute between two hubs: a proposal that waits here, after one that both hubs' stewards stand behind. */
const STEWARDING: Stewarding = {
  side: "payer",
  peer: "Red del Sur",
  currency: { payer: { symbol: "₳", scale: 2 }, payee: { symbol: "نقطة", scale: 2 } },
  held: { payer: 300n, payee: 2_000n },
  proposals: [
    {
      ...{ id: 9n, theirs: true, release: 200n, payer: 200n, payee: 1_333n, note: "Se dio más de la mitad." },
      ...{ created: day("04-18"), agreed: null, providerSigned: null, receiverSigned: null, applied: null },
    },
    {
      ...{
        id: 8n,
        theirs: false,
        release: 150n,
        payer: 150n,
        payee: 1_000n,
        note: "اقترح القائمون دفع النصف.",
      },
      ...{ created: day("04-16"), agreed: day("04-17"), providerSigned: day("04-17"), receiverSigned: null },
      applied: null,
    },
  ],
};

const ACROSS_STATES = [
  ...([
    "offered",
    "accepted",
    "funded",
    "delivered",
    "confirmed",
    "settled",
    "disputed",
    "resolved",
  ] as const),
  ...(["rejected", "withdrawn", "expired", "cancelled"] as const),
];

const PAYS: Record<Side, Money> = {
  payer: { amount: 300n, currency: { symbol: "₳", scale: 2 } },
  payee: { amount: 2_000n, currency: { symbol: "نقطة", scale: 2 } },
};

/** An agreement with an organization of another hub, where the viewer's hub pays or is paid. */
function across(
  side: Side,
  state: FullAgreement["state"],
  hub: Partial<BetweenHubs["hub"]> = {},
  values: Partial<FullAgreement> = {},
): FullAgreement {
  const paid = state === "settled" || state === "resolved";
  const { amount, currency } = PAYS[side];
  return agreement({
    ...{ state, amount, currency, party: side === "payer" ? "receiver" : "provider" },
    ...(side === "payer" ? { provider: NUR, receiver: SEMILLA } : { provider: SEMILLA, receiver: NUR }),
    between: {
      ...{ side, ...PAYS, until: day("03-10"), held: side === "payer" && state === "cancelled" },
      hub: {
        ...{ name: "Red del Sur", host: "sur.example", state: "active", unreachable: null, ...hub },
        currency: "https://sur.example/currency",
      },
      settled: paid ? { payer: 300n, payee: 2_000n } : null,
    },
    settledAmount: paid ? amount : null,
    settledQuantity: paid ? 2 : null,
    disputedBy: state === "disputed" || state === "resolved" ? "receiver" : null,
    waitsFor: whoActs({ state, offeredBy: "receiver", settlement: "credit", resolution: null }),
    possible: [],
    steps: [
      OFFERED,
      step({ message: "accept", state: "accepted", party: "provider", created: day("03-05") }),
    ],
    ...values,
  });
}

const ACROSS: Record<string, FullAgreement> = {
  ...Object.fromEntries(
    (["payer", "payee"] as const).flatMap((side) =>
      ACROSS_STATES.map((state) => [`${side}-${state}`, across(side, state)]),
    ),
  ),
  "to-answer": across("payee", "offered", {}, { possible: ["accept", "counter", "reject"] }),
  away: across("payer", "confirmed", { unreachable: day("04-10") }),
  draining: across("payee", "funded", { state: "draining" }, { possible: ["deliver", "cancel"] }),
  frozen: across("payer", "delivered", { state: "frozen" }, { possible: ["confirm", "dispute"] }),
};

/** The pages of agreements, in every state that looks different. */
export function agreementPages(locale: Locale): Record<string, Child> {
  const page = (values: Partial<PageContext> = {}) =>
    pageContext(locale, { viewer: AS_ORGANIZATION, waiting: 2, ...values });
  const steward = page({ viewer: { ...VIEWER, role: "curator" } });
  const shown = (state: FullAgreement, values: Partial<AgreementPageProps> = {}): Child => (
    <AgreementPage
      page={state.steward ? steward : page()}
      agreement={state}
      as={state.steward ? VIEWER.person : SEMILLA}
      available={state === STATES["to-pay"] ? 1250n : null}
      returnable={state.state === "settled" && state.party === "provider" ? 200n : 0n}
      vouchers={state === STATES["to-pay"] ? [{ id: 4n, approved: 500n, expires: null }] : []}
      disputeRule="half"
      stewarding={null}
      messages={{ items: state === STATES.gift ? [] : MESSAGES, before: null }}
      {...values}
    />
  );
  const asked = (
    action: "counter" | "cancel" | "dispute" | "confirm" | "reject" | "withdraw",
    form?: AgreementPageProps["form"],
    paying: Pick<AgreementPageProps, "available" | "vouchers"> = { available: null, vouchers: [] },
  ) => (
    <AgreementActionPage
      page={page()}
      agreement={STATES.delivered!}
      as={SEMILLA}
      returnable={0n}
      disputeRule="refund"
      stewarding={null}
      action={action}
      openAmount
      form={form}
      {...paying}
    />
  );
  const fresh = (of: Partial<ProposalView> = {}, values: Partial<NewAgreementPageProps> = {}) => (
    <NewAgreementPage
      page={page({ path: "/agreements/new?proposal=7" })}
      proposal={{ ...OFFER, ...of }}
      obstacle={null}
      preview={null}
      available={1250n}
      vouchers={[{ id: 4n, approved: 500n, expires: null }]}
      answerDays={14}
      idempotencyKey="key"
      {...values}
    />
  );
  const listed = Object.values(STATES).filter(({ steward }) => !steward);
  return {
    agreements: (
      <AgreementsPage page={page()} group="waiting" waiting={2} agreements={{ items: listed, before: 3n }} />
    ),
    "agreements-empty": (
      <AgreementsPage page={page()} group="ended" waiting={0} agreements={{ items: [], before: null }} />
    ),
    "agreement-new": fresh(),
    "agreement-new-gift": fresh(
      { settlement: "none", price: null, currencySymbol: null, currencyScale: null, unitBased: null },
      { available: null, vouchers: [] },
    ),
    "agreement-new-help": fresh(
      { purpose: "request", unitBased: null, minimum: 3, remaining: 3 },
      { available: null, vouchers: [] },
    ),
    "agreement-new-errors": fresh(
      { unitBased: null },
      {
        form: {
          values: { quantity: "99", amount: "x", due: "2020-01-01", note: "Con <gusto>", voucher: "4" },
          errors: [
            { field: "quantity", code: "over_available", details: { left: 38 } },
            { field: "due", code: "in_the_past", details: {} },
          ],
        },
      },
    ),
    "agreement-own": fresh({}, { obstacle: "own" }),
    "agreement-closed": fresh({}, { obstacle: "closed" }),
    "agreement-person": fresh({}, { obstacle: "person" }),
    "agreement-elsewhere": fresh({ actor: NUR, local: false }, { obstacle: "elsewhere" }),
    ...Object.fromEntries(Object.entries(STATES).map(([name, state]) => [`agreement-${name}`, shown(state)])),
    "agreement-errors": shown(STATES["to-pay"]!, {
      form: {
        values: { voucher: "4" },
        errors: [{ field: null, code: "insufficient_credit", details: { available: "1" } }],
      },
    }),
    ...Object.fromEntries(
      Object.entries(ACROSS).map(([name, state]) => [`agreement-across-${name}`, shown(state)]),
    ),
    "agreement-disputed-between": shown(STATES.disputed!, { stewarding: STEWARDING }),
    "agreement-steward-between": shown(STATES.steward!, { stewarding: STEWARDING }),
    "agreement-waits-between": shown(STATES.steward!, {
      stewarding: { ...STEWARDING, side: "payee", proposals: [] },
    }),
    "agreement-counter": asked("counter"),
    "agreement-counter-paying": asked("counter", undefined, {
      available: 1250n,
      vouchers: [{ id: 4n, approved: 500n, expires: null }],
    }),
    "agreement-cancel": asked("cancel"),
    "agreement-reject": asked("reject"),
    "agreement-withdraw": asked("withdraw"),
    "agreement-part": asked("confirm"),
    "agreement-dispute-errors": asked("dispute", {
      values: { note: "" },
      errors: [{ field: "note", code: "reason_required", details: {} }],
    }),
    disputes: <DisputesPage page={steward} disputes={[STATES.steward!]} />,
    "disputes-none": <DisputesPage page={steward} disputes={[]} />,
  };
}
