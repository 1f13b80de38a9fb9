import type { Viewer } from "../../domain/accounts/queries.ts";
import { actorPath, Handle } from "../actors/actor-card.tsx";
import { Avatar } from "../ui/avatar.tsx";
import { Icon } from "../ui/icons.tsx";
import { Layout, LocaleForm, Waiting } from "../ui/layout.tsx";
import type { PageContext } from "../ui/page.ts";

/** GET /me: only for those who are logged in. Forms: POST /acting, /locale, /logout. */
export interface MePageProps {
  page: PageContext & { viewer: Viewer };
}

export const MePage = ({ page }: MePageProps) => {
  const { t, viewer } = page;
  const path = actorPath(viewer.acting);
  return (
    <Layout page={page} title={t("nav.me")} section="me">
      <h1>
        <bdi>{viewer.person.name}</bdi>
      </h1>
      <section aria-labelledby="me-actors">
        <h2 id="me-actors">{t("acting.title")}</h2>
        <p class="lead">{t("acting.text")}</p>
        <ActorChoices page={page} />
        <a class="button button-quiet" href="/organizations/new">
          <Icon name="plus" />
          {t("organization.create")}
        </a>
      </section>
      <section aria-labelledby="me-lists">
        <h2 id="me-lists">{t("me.lists", { name: viewer.acting.name })}</h2>
        <ul class="links">
          <li>
            <a href={path}>{t("me.profile")}</a>
          </li>
          <li>
            <a href={`${path}?tab=exchange`}>{t("profile.exchange")}</a>
          </li>
          <li>
            <a href="/agreements">
              {t("nav.agreements")} {page.waiting ? <Waiting page={page} count={page.waiting} /> : null}
            </a>
          </li>
          {viewer.acting.kind === "Organization" ? (
            <li>
              <a href="/settings/verification">{t("verification.title")}</a>
            </li>
          ) : null}
          <li>
            <a href="/ledger">{t("ledger.title")}</a>
          </li>
          <li>
            <a href="/vouchers">{t("vouchers.title")}</a>
          </li>
          <li>
            <a href={`${path}/following`}>{t("people.following")}</a>
          </li>
          <li>
            <a href={`${path}/followers`}>{t("people.followers")}</a>
          </li>
          <li>
            <a href="/settings/notices">{t("notice_list.settings")}</a>
          </li>
          <li>
            <a href="/settings/tokens">{t("tokens.title")}</a>
          </li>
          {viewer.role === "member" ? null : (
            <li>
              <a href="/admin">{t("admin.title")}</a>
            </li>
          )}
        </ul>
      </section>
      <section aria-labelledby="me-language">
        <h2 id="me-language">{t("locale.title")}</h2>
        <LocaleForm page={page} id="me-locale" />
      </section>
      <section aria-labelledby="me-leave">
        <h2 id="me-leave">{t("me.leave")}</h2>
        <p>{t("me.leave_text")}</p>
        <form method="post" action="/logout" data-forget-drafts>
          <button class="button button-quiet" type="submit">
            <Icon name="logout" />
            {t("me.logout")}
          </button>
        </form>
      </section>
    </Layout>
  );
};

const ActorChoices = ({ page }: MePageProps) => {
  const { t, viewer } = page;
  return (
    <form method="post" action="/acting">
      <input type="hidden" name="next" value={page.path} />
      <ul class="choices">
        {[viewer.person, ...viewer.organizations].map((actor) => (
          <li class="card actor">
            <Avatar page={page} actor={actor} />
            <div class="actor-text">
              <p class="actor-name">
                <a href={actorPath(actor)}>
                  <bdi>{actor.name}</bdi>
                </a>
              </p>
              <p class="quiet">
                <Handle>@{actor.acct}</Handle> · {t(`kinds.${actor.kind}`)}
              </p>
            </div>
            {actor.id === viewer.acting.id ? (
              <p class="badge">
                <Icon name="check" />
                {t("acting.now")}
              </p>
            ) : (
              <button class="button button-quiet" type="submit" name="as" value={actor.handle}>
                {actor.id === viewer.person.id
                  ? t("acting.switch_me")
                  : t("acting.switch", { name: actor.name })}
              </button>
            )}
          </li>
        ))}
      </ul>
    </form>
  );
};
