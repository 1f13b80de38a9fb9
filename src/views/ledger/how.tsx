import type { Viewer } from "../../domain/accounts/queries.ts";
import { actorPath } from "../actors/actor-card.tsx";
import { Avatar } from "../ui/avatar.tsx";
import { Icon } from "../ui/icons.tsx";
import { Layout } from "../ui/layout.tsx";
import type { PageContext } from "../ui/page.ts";

/** What credits are, in three steps, and where to go from here. */
export const CreditsHow = ({ page, member = false }: { page: PageContext; member?: boolean }) => {
  const { t } = page;
  return (
    <>
      <section class="context-block">
        <h2>{t("ledger.how")}</h2>
        <ol class="steps">
          <li>{t("ledger.how_earn")}</li>
          <li>{t("ledger.how_spend")}</li>
          <li>{t("ledger.how_zero")}</li>
        </ol>
      </section>
      <nav class="context-block" aria-label={t("ledger.more")}>
        <ul class="links">
          {member ? (
            <>
              <li>
                <a href="/agreements">{t("nav.agreements")}</a>
              </li>
              <li>
                <a href="/vouchers">{t("vouchers.title")}</a>
              </li>
            </>
          ) : null}
          <li>
            <a href="/ledger/hub">{t("ledger.hub")}</a>
          </li>
        </ul>
      </nav>
    </>
  );
};

/** GET /ledger, /ledger/donate and /vouchers for who acts as a person: credits belong to organizations. */
export const NeedsOrganizationPage = ({
  page,
  title,
}: {
  page: PageContext & { viewer: Viewer };
  title: string;
}) => {
  const { t, viewer } = page;
  const has = viewer.organizations.length > 0;
  return (
    <Layout page={page} title={title} section="ledger" aside={<CreditsHow page={page} />}>
      <div class="page-head">
        <h1>{title}</h1>
        <p class="lead">{t("ledger.what")}</p>
      </div>
      <section class="card form" aria-labelledby="whose">
        <h2 id="whose">{t(has ? "ledger.choose" : "ledger.of_organizations")}</h2>
        <p>{t(has ? "ledger.choose_text" : "ledger.of_organizations_text")}</p>
        {has ? (
          <form method="post" action="/acting">
            <input type="hidden" name="next" value={page.path} />
            <ul class="choices">
              {viewer.organizations.map((organization) => (
                <li class="actor">
                  <Avatar page={page} actor={organization} />
                  <p class="actor-text actor-name">
                    <a href={actorPath(organization)}>
                      <bdi>{organization.name}</bdi>
                    </a>
                  </p>
                  <button class="button" type="submit" name="as" value={organization.handle}>
                    {t("acting.switch", { name: organization.name })}
                  </button>
                </li>
              ))}
            </ul>
          </form>
        ) : (
          <div class="actions">
            <a class="button" href="/organizations/new">
              <Icon name="plus" />
              {t("organization.create")}
            </a>
            <a class="button button-quiet" href="/exchange">
              {t("home.see_exchange")}
            </a>
          </div>
        )}
      </section>
    </Layout>
  );
};
