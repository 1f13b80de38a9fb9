import type { Child } from "hono/jsx";
import { Avatar } from "../ui/avatar.tsx";
import { TextArea } from "../ui/form.tsx";
import { Icon, type IconName } from "../ui/icons.tsx";
import type { FormState } from "../ui/page.ts";
import type { AgreementContext } from "./agreement-page.tsx";

/** A form of this page: in whose name, and what its button says. */
export const ActionForm = ({
  page,
  agreement,
  as,
  action,
  icon,
  label,
  danger,
  quiet,
  files,
  children,
}: Pick<AgreementContext, "page" | "agreement" | "as"> & {
  action: string;
  icon?: IconName;
  label: string;
  danger?: boolean;
  /** It is possible, and not what is awaited. */
  quiet?: boolean;
  files?: boolean;
  children?: Child;
}) => (
  <form
    class="writing"
    method="post"
    action={`/agreements/${agreement.id}/${action}`}
    enctype={files ? "multipart/form-data" : undefined}
  >
    <input type="hidden" name="as" value={as.handle} />
    {children}
    <div class="writing-end">
      <Avatar page={page} actor={as} small />
      <button
        class={danger ? "button button-danger" : quiet ? "button button-quiet" : "button"}
        type="submit"
      >
        {icon === undefined ? null : <Icon name={icon} />}
        {label}
      </button>
    </div>
  </form>
);

/** Why a steward proposes to end a dispute like this. */
export const ResolutionNote = ({
  page,
  form,
}: {
  page: AgreementContext["page"];
  form: FormState | undefined;
}) => (
  <TextArea
    page={page}
    form={form}
    name="note"
    label={page.t("dispute.note")}
    hint={page.t("dispute.note_hint")}
    rows={3}
    required
  />
);

/** Whether a party has signed how a dispute ends. */
export const Signed = ({
  page,
  name,
  at,
}: {
  page: AgreementContext["page"];
  name: string;
  at: Date | null;
}) => (
  <li class={at === null ? "signature quiet" : "signature"}>
    <Icon name={at === null ? "clock" : "check"} />
    {page.t(at === null ? "dispute.unsigned" : "dispute.signed", { name })}
  </li>
);
