import type { Child } from "hono/jsx";
import type { Viewer } from "../../domain/accounts/queries.ts";
import type { PublicPeer } from "../../domain/peers/overview.ts";
import type { Peer } from "../../domain/peers/queries.ts";
import type { Standing } from "../../domain/peers/rules.ts";
import { AdminBack } from "../admin/admin-page.tsx";
import { Icon } from "../ui/icons.tsx";
import { Layout } from "../ui/layout.tsx";
import type { PageContext } from "../ui/page.ts";
import { EmptyState, ExternalLink, FactList } from "../ui/text.tsx";
import { count, Day, Moment } from "../ui/time.tsx";
import { hoursText, limitsText, owedText, type RatedCurrency, StateBadge } from "./parts.tsx";

/** A peer's name, as what leads to it, how the two stand, and where it is. */
const CardHead = ({
  page,
  peer,
  children,
}: {
  page: PageContext;
  peer: Pick<Peer, "state" | "host">;
  children: Child;
}) => (
  <>
    <h2 class="actor-name">{children}</h2>
    <p>
      <StateBadge page={page} state={peer.state} />{" "}
      <bdi class="handle" dir="ltr">
        {peer.host}
      </bdi>
    </p>
  </>
);

/** GET /admin/peers, for administrators. */
export interface PeersAdminPageProps {
  page: PageContext & { viewer: Viewer };
  currency: RatedCurrency;
  peers: readonly { peer: Peer; standing: Standing | undefined; heard: Date | null; troubled: boolean }[];
}

export const PeersAdminPage = ({ page, currency, peers }: PeersAdminPageProps) => {
  const { t } = page;
  const add = (
    <a class="button" href="/admin/peers/new">
      <Icon name="plus" />
      {t("peers.add")}
    </a>
  );
  return (
    <Layout page={page} title={t("peers.admin_title")} section="me">
      <AdminBack page={page} />
      <div class="page-head">
        <h1>{t("peers.admin_title")}</h1>
        <p class="lead">{t("peers.admin_text")}</p>
        {peers.length === 0 ? null : <div class="actions">{add}</div>}
      </div>
      {peers.length === 0 ? (
        <EmptyState title={t("peers.none")} text={t("peers.none_text")} actions={add} />
      ) : (
        <ul class="choices">
          {peers.map(({ peer, standing, heard, troubled }) => (
            <li class="card">
              <CardHead page={page} peer={peer}>
                <a href={`/admin/peers/${peer.id}`}>
                  <bdi>{peer.name}</bdi>
                </a>
              </CardHead>
              {troubled ? (
                <p class="problem">
                  <Icon name="alert" />
                  {t("peers.troubled")}
                </p>
              ) : null}
              <p>{standing === undefined ? null : owedText(page, currency, standing)}</p>
              <p class="quiet">
                {limitsText(page, peer)}
                {heard === null ? null : (
                  <>
                    {" · "}
                    {t("peers.heard")} <Moment page={page} at={heard} />
                  </>
                )}
              </p>
            </li>
          ))}
        </ul>
      )}
    </Layout>
  );
};

/** GET /peers, for everybody: totals, never whose. */
export interface PeersPageProps {
  page: PageContext;
  peers: readonly PublicPeer[];
}

export const PeersPage = ({ page, peers }: PeersPageProps) => {
  const { t } = page;
  return (
    <Layout page={page} title={t("peers.title")} section="exchange">
      <div class="page-head">
        <h1>{t("peers.title")}</h1>
        <p class="lead">{t("peers.text")}</p>
      </div>
      {peers.length === 0 ? (
        <EmptyState
          title={t("peers.none")}
          text={t("peers.none_public")}
          actions={
            <a class="button button-quiet" href="/exchange">
              {t("nav.exchange")}
            </a>
          }
        />
      ) : (
        <ul class="choices">
          {peers.map((peer) => (
            <li class="card">
              <CardHead page={page} peer={peer}>
                <ExternalLink href={peer.origin}>
                  <bdi>{peer.name}</bdi>
                </ExternalLink>
              </CardHead>
              <FactList
                facts={[
                  [t("peers.since"), <Day page={page} at={peer.since} />],
                  [t("peers.given"), hoursText(page, peer.given)],
                  [t("peers.received"), hoursText(page, peer.received)],
                  [t("peers.exchanges"), count(page.locale, peer.exchanges)],
                ]}
              />
              <p class="quiet">{limitsText(page, peer)}</p>
            </li>
          ))}
        </ul>
      )}
    </Layout>
  );
};
