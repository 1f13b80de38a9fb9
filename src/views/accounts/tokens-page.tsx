import type { TokenView, Viewer } from "../../domain/accounts/queries.ts";
import { EXCHANGE_SCOPES, type ExchangeScope } from "../../domain/accounts/rules.ts";
import type { MessageKey } from "../../locales/index.ts";
import { Checkbox, ErrorSummary, FieldErrorOf, idOf, Select } from "../ui/form.tsx";
import { Icon } from "../ui/icons.tsx";
import { Layout } from "../ui/layout.tsx";
import type { FormState, PageContext } from "../ui/page.ts";
import { Day } from "../ui/time.tsx";

/** GET and POST /settings/tokens. Fields: as, and each scope by its name. POST /settings/tokens/<id>/revoke. */
export interface TokensPageProps {
  page: PageContext & { viewer: Viewer };
  /** Newest first. */
  tokens: readonly TokenView[];
  /** The one that was made just now: nobody can be shown it again. */
  secret: string | null;
  form?: FormState | undefined;
}

const SCOPES: Record<ExchangeScope, MessageKey> = {
  "exchange:read": "tokens.exchange_read",
  "exchange:write": "tokens.exchange_write",
  "ledger:read": "tokens.ledger_read",
  "ledger:write": "tokens.ledger_write",
};

export const TokensPage = ({ page, tokens, secret, form }: TokensPageProps) => {
  const { t, viewer } = page;
  return (
    <Layout page={page} title={t("tokens.title")} section="me">
      <div class="page-head">
        <h1>{t("tokens.title")}</h1>
        <p class="lead">{t("tokens.text")}</p>
        <p>
          <a href="/api/ayni/v1">{t("tokens.api")}</a>
        </p>
      </div>
      {secret === null ? null : <Secret page={page} secret={secret} />}
      {tokens.length > 0 ? (
        <section aria-labelledby="tokens">
          <h2 id="tokens">{t("tokens.own")}</h2>
          {tokens.map((token) => (
            <Token page={page} token={token} />
          ))}
        </section>
      ) : null}
      <section class="card" aria-labelledby="new-token">
        <h2 id="new-token">{t("tokens.new")}</h2>
        <form class="form" method="post" action="/settings/tokens">
          <ErrorSummary
            page={page}
            form={form}
            labels={{ as: t("tokens.actor"), scopes: t("tokens.scopes") }}
          />
          <Select
            page={page}
            form={form}
            name="as"
            label={t("tokens.actor")}
            hint={t("tokens.actor_hint")}
            value={viewer.acting.handle}
            required
            options={[viewer.person, ...viewer.organizations].map(({ handle, name }) => ({
              value: handle,
              label: name,
            }))}
          />
          <fieldset class="field radios" id={idOf("scopes")}>
            <legend>{t("tokens.scopes")}</legend>
            <p class="hint">{t("tokens.scopes_hint")}</p>
            <FieldErrorOf page={page} form={form} name="scopes" />
            {EXCHANGE_SCOPES.map((scope) => (
              <Checkbox page={page} form={form} name={scope} label={t(SCOPES[scope])} />
            ))}
          </fieldset>
          <button class="button" type="submit">
            {t("tokens.create")}
          </button>
        </form>
      </section>
    </Layout>
  );
};

const Secret = ({ page, secret }: { page: PageContext; secret: string }) => (
  <section class="card" role="status" aria-labelledby="secret">
    <h2 id="secret">{page.t("tokens.made")}</h2>
    <p>{page.t("tokens.made_text")}</p>
    <p>
      <code class="handle" dir="ltr">
        {secret}
      </code>
    </p>
    <button
      class="button button-quiet"
      type="button"
      data-copy={secret}
      data-copied={page.t("profile.copied")}
      hidden
    >
      <Icon name="copy" />
      <span aria-live="polite">{page.t("profile.copy")}</span>
    </button>
  </section>
);

const Token = ({ page, token }: { page: PageContext; token: TokenView }) => {
  const { t } = page;
  const { id, actor, scopes, created } = token;
  return (
    <article class="card form" aria-labelledby={`token-${id}`}>
      <h3 id={`token-${id}`}>{t("acting.as", { name: actor.name })}</h3>
      <p>
        {t("tokens.may")} {scopes.map((scope) => (isKnown(scope) ? t(SCOPES[scope]) : scope)).join(" · ")}
      </p>
      <p class="quiet">
        {t("tokens.created")} <Day page={page} at={created} /> · <code dir="ltr">{id}</code>
      </p>
      <form method="post" action={`/settings/tokens/${id}/revoke`}>
        <button class="button button-quiet" type="submit" aria-describedby={`token-${id}`}>
          <Icon name="trash" />
          {t("tokens.revoke")}
        </button>
      </form>
    </article>
  );
};

function isKnown(scope: string): scope is ExchangeScope {
  return Object.hasOwn(SCOPES, scope);
}
