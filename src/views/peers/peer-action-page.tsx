import type { Viewer } from "../../domain/accounts/queries.ts";
import type { Peer } from "../../domain/peers/queries.ts";
import type { PeeringTerms } from "../../domain/peers/rules.ts";
import { AdminForm } from "../admin/admin-form.tsx";
import { ErrorSummary, TextArea, TextField } from "../ui/form.tsx";
import { Icon } from "../ui/icons.tsx";
import { Layout } from "../ui/layout.tsx";
import type { FormState, PageContext } from "../ui/page.ts";
import { FactList } from "../ui/text.tsx";
import { hoursText } from "./parts.tsx";
import { actionText, Fingerprint, type PeerAction } from "./peer-page.tsx";
import { TermsFields, termLabels } from "./terms.tsx";

/** GET and POST /admin/peers/new: origin, the terms, as. */
export interface NewPeerPageProps {
  page: PageContext & { viewer: Viewer };
  terms: PeeringTerms;
  origin: string;
  form?: FormState | undefined;
}

export const NewPeerPage = ({ page, terms, origin, form }: NewPeerPageProps) => {
  const { t } = page;
  return (
    <Layout page={page} title={t("peers.add")} section="me">
      <a class="back" href="/admin/peers">
        <Icon name="arrow" />
        {t("peers.admin_title")}
      </a>
      <h1>{t("peers.add")}</h1>
      <p class="lead">{t("peers.new_text")}</p>
      <section class="card" aria-label={t("peers.add")}>
        <AdminForm page={page} action="/admin/peers/new" submit={t("peers.send")}>
          <ErrorSummary page={page} form={form} labels={{ origin: t("peers.origin"), ...termLabels(page) }} />
          <TextField
            page={page}
            form={form}
            name="origin"
            label={t("peers.origin")}
            hint={t("peers.origin_hint")}
            value={origin}
            dir="ltr"
            required
          />
          <TermsFields page={page} form={form} terms={terms} />
        </AdminForm>
      </section>
    </Layout>
  );
};

/** GET /admin/peers/<id>/<action>: says what will happen and asks what is needed; POST to the same address does it. */
export interface PeerActionPageProps {
  page: PageContext & { viewer: Viewer };
  peer: Peer;
  action: PeerAction;
  /** What a form of terms is filled with. */
  terms: PeeringTerms;
  /** What the other hub is willing to, where that is to be seen. */
  theirs: PeeringTerms | null;
  /** The key that the hub signs with now, and the accepted one's fingerprint beside it. */
  keys: { value: string; fingerprint: string; accepted: string } | null;
  form?: FormState | undefined;
}

export const PeerActionPage = (props: PeerActionPageProps) => {
  const { page, peer, action, form, theirs, keys } = props;
  const { t } = page;
  const path = `/admin/peers/${peer.id}`;
  const name = t(actionText(peer, action));
  const withdraws = action === "close" && peer.state === "proposed";
  return (
    <Layout page={page} title={name} section="me">
      <a class="back" href={path}>
        <Icon name="arrow" />
        <bdi>{peer.name}</bdi>
      </a>
      <h1>{name}</h1>
      <p class="lead">
        {t(withdraws ? "peers.asking_withdraw" : `peers.asking_${action}`, { name: peer.name })}
      </p>
      {action === "accept" && theirs !== null ? (
        <FactList
          facts={[
            [t("peers.theirs_may_owe"), hoursText(page, theirs.mayOwe)],
            [t("peers.theirs_may_be_owed"), hoursText(page, theirs.mayBeOwed)],
          ]}
        />
      ) : null}
      {keys === null ? null : (
        <FactList
          facts={[
            [t("peers.new_key"), <Fingerprint text={keys.fingerprint} />],
            [t("peers.their_key"), <Fingerprint text={keys.accepted} />],
          ]}
        />
      )}
      <section class="card" aria-label={name}>
        <AdminForm page={page} action={`${path}/${action}`} submit={name}>
          <ErrorSummary page={page} form={form} labels={{ note: t("peers.note"), ...termLabels(page) }} />
          {action === "accept" || action === "revise" ? (
            <TermsFields page={page} form={form} terms={props.terms} />
          ) : null}
          {action === "key" ? <input type="hidden" name="key" value={keys?.value ?? ""} /> : null}
          {WITH_NOTE.includes(action) ? (
            <TextArea
              page={page}
              form={form}
              name="note"
              label={t("peers.note")}
              hint={t(action === "reject" ? "peers.note_sent" : "peers.note_kept")}
              rows={3}
              required={action === "freeze" || action === "unfreeze"}
            />
          ) : null}
        </AdminForm>
      </section>
    </Layout>
  );
};

const WITH_NOTE: readonly PeerAction[] = ["reject", "drain", "freeze", "unfreeze"];
