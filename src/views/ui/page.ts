import type { Viewer } from "../../domain/accounts/queries.ts";
import type { ErrorCode } from "../../domain/errors.ts";
import type { Locale, NoticeKey, T } from "../../locales/index.ts";

/** What every page is given beside its own props. */
export interface PageContext {
  locale: Locale;
  t: T;
  /** null for a visitor. */
  viewer: Viewer | null;
  hub: { name: string; origin: string; host: string; description: string };
  /** Path and query of this page: where forms that only change a setting lead back to. */
  path: string;
  /** How many agreements wait for whoever looks, as whom they act. */
  waiting?: number;
  /** Shown once on top. */
  notice?: NoticeKey | undefined;
  /** Addresses of the style sheet and of the browser code. */
  assets: { style: string; script: string | null };
  /** IANA name, for dates. */
  timeZone: string;
}

/** A form that comes back: what was typed, and what is wrong with it. */
export interface FormState {
  values: Record<string, string>;
  errors: FormError[];
}

export interface FormError {
  /** Name of the input; null when the form as a whole is meant. */
  field: string | null;
  code: ErrorCode;
  /** Values of the translated text. */
  details: Readonly<Record<string, string | number>>;
}
