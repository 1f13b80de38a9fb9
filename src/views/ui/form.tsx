import type { Child, PropsWithChildren } from "hono/jsx";
import type { ActorView } from "../../domain/actors/queries.ts";
import type { ErrorCode } from "../../domain/errors.ts";
import type { T } from "../../locales/index.ts";
import { POST_LANGUAGES } from "../../locales/index.ts";
import { Avatar } from "./avatar.tsx";
import { Icon } from "./icons.tsx";
import type { FormError, FormState, PageContext } from "./page.ts";

export interface FieldProps {
  page: PageContext;
  form: FormState | undefined;
  name: string;
  label: string;
  hint?: string | undefined;
  required?: boolean;
  /** Not required at all times, yet not to be called optional. */
  conditional?: boolean;
}

/** The numbers that some errors' texts speak of; an error without its number is told in general words. */
const NEEDED: Partial<Record<ErrorCode, string>> = {
  too_long: "max",
  password_short: "min",
  too_many_attempts: "minutes",
  too_large: "mb",
  too_many_files: "max",
  too_many: "max",
  under_committed: "committed",
};

/** The text of an error, with what to do about it. */
export function errorText(t: T, { code, details }: Pick<FormError, "code" | "details">): string {
  const needed = NEEDED[code];
  return needed !== undefined && !Object.hasOwn(details, needed)
    ? t("errors.invalid")
    : t(`errors.${code}`, details);
}

function errorOf(form: FormState | undefined, name: string): FormError | undefined {
  return form?.errors.find((error) => error.field === name);
}

export const idOf = (name: string) => `field-${name}`;

/** What is wrong with a form, on top of it, each with a link to its field. */
export const ErrorSummary = ({
  page,
  form,
  labels,
}: {
  page: PageContext;
  form: FormState | undefined;
  /** Labels of the fields by name. */
  labels: Readonly<Record<string, string>>;
}) => {
  if (!form || form.errors.length === 0) return null;
  return (
    <div class="error-summary" role="alert" tabindex={-1}>
      <p class="error-title">
        <Icon name="alert" />
        {page.t("form.errors", { count: form.errors.length })}
      </p>
      <ul>
        {form.errors.map((error) => {
          const label = error.field === null ? undefined : labels[error.field];
          const text = errorText(page.t, error);
          return (
            <li>
              {label === undefined ? (
                text
              ) : (
                <a href={`#${idOf(error.field ?? "")}`}>{`${label} — ${text}`}</a>
              )}
            </li>
          );
        })}
      </ul>
    </div>
  );
};

/** Label, hint and error around one control. */
export const Field = ({
  page,
  form,
  name,
  label,
  hint,
  required,
  conditional,
  children,
}: PropsWithChildren<FieldProps>) => {
  const error = errorOf(form, name);
  return (
    <div class={error ? "field field-wrong" : "field"}>
      <label for={idOf(name)}>
        {label}
        {required || conditional ? null : <span class="quiet"> {page.t("form.optional")}</span>}
      </label>
      {hint ? (
        <p class="hint" id={`${idOf(name)}-hint`}>
          {hint}
        </p>
      ) : null}
      {error ? <FieldError page={page} error={error} /> : null}
      {children}
    </div>
  );
};

const FieldError = ({ page, error }: { page: PageContext; error: FormError }) => (
  <p class="field-error" id={`${idOf(error.field ?? "")}-error`}>
    <Icon name="alert" />
    {errorText(page.t, error)}
  </p>
);

/** What ties a control to its label, hint and error. */
export function controlAttributes({ form, name, hint, required }: Omit<FieldProps, "page" | "label">) {
  const error = errorOf(form, name);
  const described = [error && `${idOf(name)}-error`, hint && `${idOf(name)}-hint`].filter(Boolean).join(" ");
  return {
    id: idOf(name),
    name,
    required: required ?? false,
    "aria-describedby": described || undefined,
    "aria-invalid": error ? ("true" as const) : undefined,
  };
}

interface TextFieldProps extends FieldProps {
  type?: "text" | "email" | "password" | "date" | "search";
  /** Shown until something was typed. */
  value?: string;
  autocomplete?: string;
  inputmode?: "text" | "decimal" | "numeric" | "email";
  /** Handles and addresses are left to right everywhere; what people write goes its own way. */
  dir?: "auto" | "ltr";
  maxlength?: number;
  /** Text that always stands before what is typed. */
  prefix?: string;
  /** Text that always stands after it. */
  suffix?: string;
}

export const TextField = ({ prefix, suffix, ...props }: TextFieldProps) => {
  const technical = props.dir === "ltr";
  const input = (
    <input
      {...controlAttributes(props)}
      type={props.type ?? "text"}
      value={props.type === "password" ? undefined : (props.form?.values[props.name] ?? props.value)}
      autocomplete={props.autocomplete}
      inputmode={props.inputmode}
      maxlength={props.maxlength}
      dir={props.type === "date" ? undefined : (props.dir ?? "auto")}
      autocapitalize={technical ? "none" : undefined}
      spellcheck={technical ? false : undefined}
    />
  );
  return (
    <Field {...props}>
      {prefix || suffix ? (
        <span class="affixed" dir="ltr">
          {prefix ? <span aria-hidden="true">{prefix}</span> : null}
          {input}
          {suffix ? <span aria-hidden="true">{suffix}</span> : null}
        </span>
      ) : (
        input
      )}
    </Field>
  );
};

export const TextArea = (props: FieldProps & { rows?: number; placeholder?: string }) => (
  <Field {...props}>
    <textarea {...controlAttributes(props)} rows={props.rows ?? 5} dir="auto" placeholder={props.placeholder}>
      {props.form?.values[props.name] ?? ""}
    </textarea>
  </Field>
);

export interface Option {
  value: string;
  label: string;
  lang?: string;
}

/** Options under a heading of theirs. */
export interface OptionGroup {
  group: string;
  options: readonly Option[];
}

const Options = ({ options, chosen }: { options: readonly Option[]; chosen: string | undefined }) => (
  <>
    {options.map(({ value, label, lang }) => (
      <option value={value} lang={lang} selected={value === chosen}>
        {label}
      </option>
    ))}
  </>
);

/** A select's content: options and groups of them. */
export const Choices = ({
  options,
  chosen,
}: {
  options: readonly (Option | OptionGroup)[];
  chosen: string | undefined;
}) => (
  <>
    {options.map((option) =>
      "group" in option ? (
        <optgroup label={option.group}>
          <Options options={option.options} chosen={chosen} />
        </optgroup>
      ) : (
        <Options options={[option]} chosen={chosen} />
      ),
    )}
  </>
);

export const Select = (
  props: FieldProps & { options: readonly (Option | OptionGroup)[]; value?: string },
) => {
  const chosen = props.form?.values[props.name] ?? props.value;
  return (
    <Field {...props}>
      <select {...controlAttributes(props)}>
        <Choices options={props.options} chosen={chosen} />
      </select>
    </Field>
  );
};

/** The language something is written in: the page's own unless another was chosen. */
export const LanguageSelect = ({ page, form }: { page: PageContext; form: FormState | undefined }) => (
  <Select
    page={page}
    form={form}
    name="language"
    label={page.t("form.language")}
    value={page.locale}
    required
    options={Object.entries(POST_LANGUAGES).map(([value, label]) => ({ value, label, lang: value }))}
  />
);

export const Checkbox = ({
  page,
  form,
  name,
  label,
  hint,
  lang,
}: Omit<FieldProps, "required"> & { lang?: string }) => (
  <div class="field field-check">
    <input
      {...controlAttributes({ form, name, hint })}
      type="checkbox"
      value="on"
      checked={form?.values[name] === "on"}
    />
    <label for={idOf(name)} lang={lang}>
      {label}
    </label>
    {hint ? (
      <p class="hint" id={`${idOf(name)}-hint`}>
        {hint}
      </p>
    ) : null}
    <FieldErrorOf page={page} form={form} name={name} />
  </div>
);

export const FieldErrorOf = ({
  page,
  form,
  name,
}: {
  page: PageContext;
  form: FormState | undefined;
  name: string;
}) => {
  const error = errorOf(form, name);
  return error ? <FieldError page={page} error={error} /> : null;
};

/** A choice among few, each with a word on what it means. */
export const Radios = (
  props: Omit<FieldProps, "required"> & {
    options: readonly (Option & { hint?: string })[];
    value: string;
    /** Side by side. */
    inline?: boolean;
  },
) => {
  const { page, form, name, label, hint, options } = props;
  const chosen = form?.values[name] ?? props.value;
  return (
    <fieldset class={props.inline ? "field radios radios-inline" : "field radios"}>
      <legend>{label}</legend>
      {hint ? <p class="hint">{hint}</p> : null}
      <FieldErrorOf page={page} form={form} name={name} />
      {options.map((option, index) => {
        const id = index === 0 ? idOf(name) : `${idOf(name)}-${option.value}`;
        return (
          <div class="radio">
            <input
              type="radio"
              id={id}
              name={name}
              value={option.value}
              checked={option.value === chosen}
              aria-describedby={option.hint ? `${id}-hint` : undefined}
            />
            <label for={id}>{option.label}</label>
            {option.hint ? (
              <p class="hint" id={`${id}-hint`}>
                {option.hint}
              </p>
            ) : null}
          </div>
        );
      })}
    </fieldset>
  );
};

/**
 * A form that writes in somebody's name: says in whose, sends it along, and looks different when it is an
 * organization's.
 */
export const WritingForm = ({
  page,
  action,
  author,
  draft,
  files,
  submit,
  children,
}: {
  page: PageContext;
  action: string;
  /** Who writes; whom the viewer acts as unless told otherwise. */
  author?: ActorView;
  /** Under this name the browser keeps what was typed until it was published, whoever it is published as. */
  draft?: string;
  /** Files are sent with it. */
  files?: boolean;
  /** What the button says, given the name of the one who acts. */
  submit: (name: string) => string;
  children: Child;
}) => {
  const viewer = page.viewer;
  if (!viewer) return null;
  const acting = author ?? viewer.acting;
  const organization = acting.id !== viewer.person.id;
  return (
    <form
      class={organization ? "writing writing-organization" : "writing"}
      method="post"
      action={action}
      enctype={files ? "multipart/form-data" : undefined}
      data-draft={draft && `${draft}:${viewer.person.handle}`}
    >
      <input type="hidden" name="as" value={acting.handle} />
      {children}
      <div class="writing-end">
        <Avatar page={page} actor={acting} small />
        <button class="button" type="submit">
          {submit(acting.name)}
        </button>
      </div>
    </form>
  );
};
