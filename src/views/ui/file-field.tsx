import { FILE_MAX, FILES_MAX } from "../../domain/media/rules.ts";
import { controlAttributes, Field, type FieldProps, idOf, TextField } from "./form.tsx";

const IMAGES = "image/jpeg,image/png,image/webp,image/gif";
const DOCUMENTS = ".pdf,.txt,.csv,.md,.odt,.ods,.docx,.xlsx";

interface FileFieldProps extends FieldProps {
  /** What the browser offers; what is taken is decided by the bytes. */
  kind: "image" | "document";
  /** More than one, up to 4. */
  multiple?: boolean;
}

/**
 * Chooses a file. The form around it must be `multipart/form-data` (`WritingForm` with `files`), and its route must read it by
 * `withFiles`. A form that comes back has lost the choice: browsers do not allow it to be kept.
 */
export const FileField = ({ kind, multiple, ...props }: FileFieldProps) => {
  const { t } = props.page;
  const mb = FILE_MAX / 2 ** 20;
  const hint = [props.hint, t("form.file_hint", { mb, max: multiple ? FILES_MAX : 1 })]
    .filter(Boolean)
    .join(" ");
  return (
    <Field {...props} hint={hint}>
      <input
        {...controlAttributes({ ...props, hint })}
        type="file"
        accept={kind === "image" ? IMAGES : `${DOCUMENTS},${IMAGES}`}
        multiple={multiple ?? false}
        data-preview
        data-max={FILE_MAX}
        data-too-large={t("errors.too_large", { mb })}
      />
      <div class="previews" id={`${idOf(props.name)}-preview`}></div>
    </Field>
  );
};

/** Chooses an image, and asks what is to be seen on it for those who do not see it (`<name>_description`). */
export const ImageField = (props: Omit<FileFieldProps, "kind" | "multiple">) => (
  <>
    <FileField {...props} kind="image" />
    <TextField
      page={props.page}
      form={props.form}
      name={`${props.name}_description`}
      label={props.page.t("form.alt")}
      hint={props.page.t("form.alt_hint")}
      maxlength={1500}
    />
  </>
);
