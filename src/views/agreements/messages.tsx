import type { MessageView } from "../../domain/agreements/queries.ts";
import { FileField } from "../ui/file-field.tsx";
import { TextArea } from "../ui/form.tsx";
import { Icon } from "../ui/icons.tsx";
import type { PageContext } from "../ui/page.ts";
import { Moment } from "../ui/time.tsx";
import { ActionForm } from "./action-form.tsx";
import type { AgreementPageProps } from "./agreement-page.tsx";
import { counterparty } from "./state.tsx";

/** What the two write to one another, the newest at the bottom, where one writes the next. */
export const Messages = (props: AgreementPageProps) => {
  const { page, agreement, messages, as, form } = props;
  const { t } = page;
  const remote = [agreement.provider, agreement.receiver].some(({ host }) => host !== null);
  const writes = agreement.party !== null || agreement.steward;
  return (
    <section class="card form" id="messages" aria-labelledby="messages-title">
      <h2 id="messages-title">{t("agreement.messages")}</h2>
      {messages.items.length === 0 ? (
        <p class="quiet">
          {agreement.party === null
            ? t("agreement.no_messages_steward")
            : t("agreement.no_messages", { name: counterparty(agreement).name })}
        </p>
      ) : null}
      {messages.before === null ? null : (
        <p>
          <a href={`/agreements/${agreement.id}?before=${messages.before}#messages`}>
            {t("agreement.older_messages")}
          </a>
        </p>
      )}
      {messages.items.length > 0 ? (
        <ol class="chat">
          {messages.items.toReversed().map((message) => (
            <Message page={page} message={message} />
          ))}
        </ol>
      ) : null}
      {remote ? <p class="quiet">{t("agreement.messages_remote")}</p> : null}
      {writes ? (
        <ActionForm {...props} action="messages" files label={t("agreement.write_as", { name: as.name })}>
          <TextArea
            page={page}
            form={form}
            name="content"
            label={t("agreement.message")}
            rows={2}
            conditional
          />
          <details class="more" open={form?.errors.some(({ field }) => field === "document")}>
            <summary>
              <Icon name="document" />
              {t("agreement.attach")}
            </summary>
            <FileField
              page={page}
              form={form}
              name="document"
              label={t("agreement.document")}
              kind="document"
            />
          </details>
        </ActionForm>
      ) : null}
    </section>
  );
};

const Message = ({ page, message }: { page: PageContext; message: MessageView }) => {
  const { author, content, document, own, created } = message;
  return (
    <li class={own ? "message message-own" : "message"}>
      <p class="quiet">
        <bdi>{author.name}</bdi> · <Moment page={page} at={created} />
      </p>
      {content === "" ? null : (
        <p class="message-text" dir="auto">
          {content}
        </p>
      )}
      {document === null ? null : (
        <a class="message-file" href={`/media/${document.id}`}>
          <Icon name="document" />
          <bdi>{document.name}</bdi>
          <span class="file-size" dir="ltr">
            {Math.max(1, Math.round(document.bytes / 1024))} kB
          </span>
        </a>
      )}
    </li>
  );
};
