import type { Child } from "hono/jsx";
import type { Viewer } from "../../domain/accounts/queries.ts";
import type { PeerOverview } from "../../domain/peers/overview.ts";
import { DAY_TERMS, type PeerMessage, type Problem } from "../../domain/peers/rules.ts";
import type { MessageKey } from "../../locales/index.ts";
import { NumberTable } from "../ledger/ledger-page.tsx";
import { Icon } from "../ui/icons.tsx";
import { Layout } from "../ui/layout.tsx";
import type { PageContext } from "../ui/page.ts";
import { ExternalLink, FactList } from "../ui/text.tsx";
import { count, Day, Moment } from "../ui/time.tsx";
import { CopyState } from "./copies.tsx";
import { failureText } from "./failures.ts";
import { bothText, hoursText, owedText, type RatedCurrency, StateBadge } from "./parts.tsx";
import { TERM_TEXTS } from "./terms.tsx";

/** What has a page of its own below the peer's: it says what will happen, and POST to the same address does it. */
export const PEER_ACTIONS = [
  "accept",
  "reject",
  "revise",
  "drain",
  "resume",
  "freeze",
  "unfreeze",
  "close",
  "key",
] as const;
export type PeerAction = (typeof PEER_ACTIONS)[number];

/** GET /admin/peers/<id>, for administrators. */
export interface PeerPageProps extends PeerOverview {
  page: PageContext & { viewer: Viewer };
  currency: RatedCurrency;
  actions: readonly PeerMessage[];
  /** Of this hub's own key, to be read out to the other hub's administrators. */
  ownFingerprint: string;
}

export const PeerPage = (props: PeerPageProps) => {
  const { page, peer, problems, currency, standing } = props;
  const { t } = page;
  return (
    <Layout page={page} title={peer.name} section="me">
      <a class="back" href="/admin/peers">
        <Icon name="arrow" />
        {t("peers.admin_title")}
      </a>
      <div class="page-head">
        <h1>
          <bdi>{peer.name}</bdi>
        </h1>
        <p>
          <StateBadge page={page} state={peer.state} />{" "}
          <ExternalLink href={peer.origin}>
            <bdi dir="ltr">{peer.host}</bdi>
          </ExternalLink>
        </p>
        <p class="lead">{t(STATE_LEADS[peer.state])}</p>
        {peer.note ? (
          <p>
            {t("peers.note")}: <q dir="auto">{peer.note}</q>
          </p>
        ) : null}
        {peer.state === "draining" && peer.drained !== null ? (
          <p>
            {t("peers.until")} <Day page={page} at={peer.drained} />
          </p>
        ) : null}
      </div>
      <Problems {...props} problems={problems} />
      {WAITING.includes(peer.state) ? <Actions {...props} /> : null}
      <section class="card" aria-labelledby="owed">
        <h2 id="owed">{t("peers.owed")}</h2>
        <p class="lead">{owedText(page, currency, standing)}</p>
        <FactList
          facts={[
            [t("peers.outgoing"), bothText(page, currency, standing.outgoing)],
            [t("peers.incoming"), bothText(page, currency, standing.incoming)],
            [t("peers.open"), count(page.locale, standing.openAgreements)],
          ]}
        />
      </section>
      <Terms {...props} />
      {WAITING.includes(peer.state) ? null : <Actions {...props} />}
      <Contact {...props} />
      <Keys {...props} />
      <History {...props} />
    </Layout>
  );
};

const STATE_LEADS: Record<PeerOverview["peer"]["state"], MessageKey> = {
  proposed: "peers.lead_proposed",
  asked: "peers.lead_asked",
  rejected: "peers.lead_rejected",
  active: "peers.lead_active",
  draining: "peers.lead_draining",
  frozen: "peers.lead_frozen",
  closed: "peers.lead_closed",
};

/** Where somebody has to decide, what can be done stands before all the rest. */
const WAITING: readonly PeerOverview["peer"]["state"][] = ["asked", "frozen", "rejected", "closed"];

/** What is wrong, and what to do about it. */
const Problems = ({ page, peer, problems, evidence, health }: PeerPageProps) => {
  const { t } = page;
  if (problems.length === 0) return null;
  return (
    <section class="card" aria-labelledby="problems">
      <h2 id="problems">{t("peers.problems")}</h2>
      <ul class="rows">
        {problems.map((problem) => (
          <li>
            <span class="row-text">
              <strong>{problemText(page, problem)}</strong>
              <span>{t(`peers.remedy_${problem.kind}`)}</span>
              {problem.kind === "unreachable" && health.failure !== null ? (
                <>
                  <span>{t(failureText(health.failure))}</span>
                  <code class="technical" dir="ltr">
                    {health.failure}
                  </code>
                </>
              ) : null}
              {problem.kind === "evidence" && evidence > 0 ? (
                <a href={`/admin/peers/${peer.id}/evidence.json`} download>
                  {t("peers.evidence")}
                </a>
              ) : null}
              {problem.kind === "key" ? (
                <a href={`/admin/peers/${peer.id}/key`}>{t("peers.action_key")}</a>
              ) : null}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
};

/** So many hours and more are counted in days. */
const DAYS_FROM = 48;

function problemText({ t }: PageContext, problem: Problem): string {
  switch (problem.kind) {
    case "unreachable":
    case "silent":
      return problem.hours < DAYS_FROM
        ? t(`peers.problem_${problem.kind}`, { hours: problem.hours })
        : t(`peers.problem_${problem.kind}_days`, { days: Math.floor(problem.hours / 24) });
    case "clock":
      return t("peers.problem_clock", { minutes: problem.minutes });
    case "clock_refused":
      return t("peers.problem_clock_refused", { hours: problem.hours });
    case "stuck":
      return t("peers.problem_stuck", { count: problem.count });
    case "old_copy":
      return t("peers.problem_old_copy", { days: problem.days });
    default:
      return t(`peers.problem_${problem.kind}`);
  }
}

/** Who parts from nobody yet takes a proposal back. */
export const actionText = ({ state }: Pick<PeerOverview["peer"], "state">, action: PeerAction): MessageKey =>
  action === "close" && state === "proposed" ? "peers.action_withdraw" : `peers.action_${action}`;

const DANGEROUS: readonly PeerAction[] = ["reject", "freeze", "close"];

const Actions = ({ page, peer, actions }: PeerPageProps) => {
  const own = PEER_ACTIONS.filter((action) => (actions as readonly string[]).includes(action));
  if (own.length === 0 && peer.state !== "rejected" && peer.state !== "closed") return null;
  return (
    <div class="actions">
      {own.map((action, index) => (
        <a
          class={
            DANGEROUS.includes(action)
              ? "button button-danger"
              : index === 0
                ? "button"
                : "button button-quiet"
          }
          href={`/admin/peers/${peer.id}/${action}`}
        >
          {page.t(actionText(peer, action))}
        </a>
      ))}
      {peer.state === "rejected" || peer.state === "closed" ? (
        <a class="button" href={`/admin/peers/new?origin=${encodeURIComponent(peer.origin)}`}>
          {page.t("peers.again")}
        </a>
      ) : null}
    </div>
  );
};

/** Both sides' limits side by side, and what follows from them. */
const Terms = ({ page, peer, ours, theirs }: PeerPageProps) => {
  const { t, locale } = page;
  const none = "–";
  const hours = (seconds: bigint | undefined) => (seconds === undefined ? none : hoursText(page, seconds));
  const rows: Child[][] = [
    [t("peers.they_may_owe"), hours(peer.theyMayOwe), hours(ours?.mayBeOwed), hours(theirs?.mayOwe)],
    [t("peers.we_may_owe"), hours(peer.weMayOwe), hours(ours?.mayOwe), hours(theirs?.mayBeOwed)],
    ...DAY_TERMS.map((name) => [
      t(TERM_TEXTS[name]),
      ...[peer[name], ours?.[name], theirs?.[name]].map((days) =>
        days === undefined ? none : count(locale, days),
      ),
    ]),
  ];
  const { currency } = peer;
  const rate = currency.rateD === 1n ? `${currency.rateN}` : `${currency.rateN}/${currency.rateD}`;
  return (
    <section class="card" aria-labelledby="terms">
      <h2 id="terms">{t("peers.terms")}</h2>
      <p class="quiet">{t("peers.terms_text")}</p>
      <NumberTable
        label={`${t("peers.terms")} · ${peer.name}`}
        head={[t("peers.term"), t("peers.effective"), t("peers.ours"), t("peers.theirs")]}
        rows={rows}
      />
      <p>{t("peers.currency", { name: currency.name, symbol: currency.symbol, rate })}</p>
    </section>
  );
};

const Contact = ({ page, health, copy }: PeerPageProps) => {
  const { t } = page;
  const never = t("peers.never");
  return (
    <section class="card" aria-labelledby="contact">
      <h2 id="contact">{t("peers.contact")}</h2>
      <FactList
        facts={[
          [t("peers.heard"), health.heard === null ? never : <Moment page={page} at={health.heard} />],
          [t("peers.reached"), health.reached === null ? never : <Moment page={page} at={health.reached} />],
        ]}
      />
      {copy === null ? null : <CopyState page={page} copy={copy} />}
    </section>
  );
};

const Keys = ({ page, fingerprint, ownFingerprint }: PeerPageProps) => {
  const { t } = page;
  return (
    <section class="card" aria-labelledby="keys">
      <h2 id="keys">{t("peers.keys")}</h2>
      <p class="quiet">{t("peers.keys_text")}</p>
      <FactList
        facts={[
          [t("peers.their_key"), <Fingerprint text={fingerprint} />],
          [t("peers.our_key"), <Fingerprint text={ownFingerprint} />],
        ]}
      />
    </section>
  );
};

export const Fingerprint = ({ text }: { text: string }) => (
  <code class="technical" dir="ltr">
    {text}
  </code>
);

const History = ({ page, revisions, peer, evidence }: PeerPageProps) => {
  const { t } = page;
  return (
    <section class="card" aria-labelledby="history">
      <h2 id="history">{t("peers.history")}</h2>
      <ul class="rows">
        {revisions.map(({ side, revision, mayBeOwed, mayOwe, created }) => (
          <li>
            <span class="row-text">
              <strong>
                {t(side === "ours" ? "peers.signed_ours" : "peers.signed_theirs", { revision })}
              </strong>
              <span>
                {t("peers.signed_limits", {
                  owed: hoursText(page, mayBeOwed),
                  owe: hoursText(page, mayOwe),
                })}{" "}
                · <Moment page={page} at={created} />
              </span>
            </span>
          </li>
        ))}
      </ul>
      {evidence > 0 ? (
        <p>
          <a href={`/admin/peers/${peer.id}/evidence.json`} download>
            {t("peers.evidence")}
          </a>
        </p>
      ) : null}
    </section>
  );
};
