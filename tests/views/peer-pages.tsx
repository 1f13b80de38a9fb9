import type { Child } from "hono/jsx";
import type { PeerOverview } from "../../src/domain/peers/overview.ts";
import type { Peer } from "../../src/domain/peers/queries.ts";
import { actionsOf, DEFAULT_TERMS, PEER_STATES, type Problem } from "../../src/domain/peers/rules.ts";
import type { Locale } from "../../src/locales/index.ts";
import { NewPeerPage, PeerActionPage } from "../../src/views/peers/peer-action-page.tsx";
import { PEER_ACTIONS, PeerPage } from "../../src/views/peers/peer-page.tsx";
import { PeersAdminPage, PeersPage } from "../../src/views/peers/peers-page.tsx";
import { NOW, pageContext, VIEWER } from "./example.ts";

const CURRENCY = { name: "Créditos", symbol: "cr", scale: 2, rate: { n: 100n, d: 1n } };
const PRINT = "0123 4567 89ab cdef 0123 4567 89ab cdef";

const peer = (values: Partial<Peer> = {}): Peer => ({
  ...{ id: 70n, actorId: 71n, iri: "https://mena.example/actor", origin: "https://mena.example" },
  ...{ host: "mena.example", name: "شبكة نور (مثال)", state: "active", reason: null, note: null },
  ...{ theirState: "active", key: "z6Mk", newKey: null, clearing: "https://mena.example/clearing" },
  ...{
    theyMayOwe: 180_000n,
    weMayOwe: 90_000n,
    quoteDays: 15,
    disputeDays: 14,
    settleDays: 14,
    drainDays: 30,
  },
  currency: {
    iri: "https://mena.example/currency",
    name: "نقطة",
    symbol: "ن",
    scale: 2,
    rateN: 15n,
    rateD: 2n,
  },
  ...{ created: NOW, changed: NOW, drained: null, silent: null },
  ...values,
});

const STANDING = {
  ...{
    owed: -7_200n,
    incoming: 3_600n,
    outgoing: 0n,
    openTransfers: 1,
    openAgreements: 2,
    unacknowledged: 0n,
  },
};

const PROBLEMS: Problem[] = [
  ...([{ kind: "key" }, { kind: "evidence" }, { kind: "frozen_here" }, { kind: "frozen_there" }] as const),
  ...([{ kind: "parting_there" }, { kind: "handshake" }, { kind: "overdue" }] as const),
  ...([
    { kind: "unreachable", hours: 1 },
    { kind: "silent", hours: 30 },
    { kind: "old_copy", days: 2 },
  ] as const),
  { kind: "clock", minutes: 12, ahead: true },
  { kind: "clock_refused", hours: 2, ahead: false },
];

function overview(values: Partial<Peer>, problems: Problem[] = []): PeerOverview {
  const shown = peer(values);
  const { state, reason, theirState, newKey, changed, drained } = shown;
  return {
    ...{ peer: shown, standing: STANDING, problems, ours: DEFAULT_TERMS, theirs: DEFAULT_TERMS },
    ...{ fingerprint: PRINT, newFingerprint: newKey === null ? null : PRINT, evidence: problems.length },
    health: {
      ...{ state, reason, theirState, newKey, changed, drained, ready: true, heard: NOW, reached: null },
      ...{ failure: problems.length > 0 ? "timeout" : null, skew: null, copy: null, evidence: 0 },
    },
    copy: {
      ...{ running: problems.length > 0, copied: 38, total: 40, skipped: problems.length },
      ...{ began: NOW, completed: NOW, compared: NOW, failures: problems.length },
      ...{ failure: problems.length > 0 ? ("unreachable" as const) : null, due: NOW },
    },
    revisions: (["ours", "theirs"] as const).map((side) => ({
      ...{ side, revision: 3, mayBeOwed: 180_000n, mayOwe: 90_000n, created: NOW },
    })),
  };
}

/** Pages of exchanging with other hubs. */
export function peerPages(locale: Locale): Record<string, Child> {
  const admin = { ...pageContext(locale), viewer: { ...VIEWER, role: "admin" as const } };
  const shown = { page: admin, currency: CURRENCY, ownFingerprint: PRINT };
  const totals = { name: "Nour", origin: "https://mena.example", host: "mena.example", since: NOW };
  const limits = { theyMayOwe: 180_000n, weMayOwe: 90_000n, given: 36_000n, received: 0n, exchanges: 4n };
  return {
    "peers, none": <PeersPage page={pageContext(locale)} peers={[]} />,
    peers: <PeersPage page={pageContext(locale)} peers={[{ ...totals, ...limits, state: "active" }]} />,
    "administration of peers, none": <PeersAdminPage page={admin} currency={CURRENCY} peers={[]} />,
    "administration of peers": (
      <PeersAdminPage
        page={admin}
        currency={CURRENCY}
        peers={PEER_STATES.map((state, index) => ({
          ...{ peer: peer({ id: BigInt(index + 1), state }), standing: STANDING, heard: NOW },
          troubled: index % 2 === 0,
        }))}
      />
    ),
    "new peer": <NewPeerPage page={admin} terms={DEFAULT_TERMS} origin="" />,
    "new peer, wrong": (
      <NewPeerPage
        page={admin}
        terms={DEFAULT_TERMS}
        origin=""
        form={{
          values: { origin: "nowhere", mayOwe: "x" },
          errors: [
            { field: "origin", code: "not_a_hub", details: {} },
            { field: "mayOwe", code: "not_a_number", details: {} },
          ],
        }}
      />
    ),
    ...Object.fromEntries(
      PEER_STATES.map((state) => [
        `peer, ${state}`,
        <PeerPage
          {...shown}
          {...overview({ state, note: "Una nota", drained: state === "draining" ? NOW : null })}
          actions={actionsOf(state)}
        />,
      ]),
    ),
    "peer, silent for days": (
      <PeerPage
        {...shown}
        {...overview({}, [
          { kind: "unreachable", hours: 75 },
          { kind: "silent", hours: 240 },
        ])}
        actions={actionsOf("active")}
      />
    ),
    "peer with every problem": (
      <PeerPage {...shown} {...overview({ newKey: "z6Mk2" }, PROBLEMS)} actions={actionsOf("active")} />
    ),
    ...Object.fromEntries(
      PEER_ACTIONS.map((action) => [
        `peer, asking to ${action}`,
        <PeerActionPage
          page={admin}
          peer={peer()}
          action={action}
          terms={DEFAULT_TERMS}
          theirs={DEFAULT_TERMS}
          keys={action === "key" ? { value: "z6Mk2", fingerprint: PRINT, accepted: PRINT } : null}
        />,
      ]),
    ),
  };
}
