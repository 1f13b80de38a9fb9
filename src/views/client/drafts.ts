const PREFIX = "draft:";
const SAVED =
  'input[type="text"], input[type="date"], textarea, select, input[type="radio"], input[type="checkbox"]';

type Control = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

/**
 * Keeps what was typed into `form[data-draft]` in this browser until it was published, so that a lost connection or a
 * closed tab costs nothing. A page that carries `data-draft-done="post"` says that it was published. Passwords and hidden
 * fields are never kept, and logging out forgets everything.
 */
export function keepDrafts(): void {
  for (const done of document.querySelectorAll<HTMLElement>("[data-draft-done]")) {
    forget(`${PREFIX}${done.dataset.draftDone}:`);
  }
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-draft]")) {
    const key = PREFIX + form.dataset.draft;
    // Back would fill in again what was published; what was not comes from here. Without storage, back is all there is.
    if (attempt(() => localStorage.length) !== undefined) form.autocomplete = "off";
    // A form that came back with errors holds what was typed already.
    if (!form.querySelector('[role="alert"]')) restore(form, key);
    form.addEventListener("input", () => save(form, key));
  }
  for (const form of document.querySelectorAll("form[data-forget-drafts]")) {
    form.addEventListener("submit", () => forget(PREFIX));
  }
}

function controls(form: HTMLFormElement): Control[] {
  return [...form.querySelectorAll<Control>(SAVED)];
}

const chosen = (control: Control): control is HTMLInputElement =>
  control.type === "radio" || control.type === "checkbox";

function save(form: HTMLFormElement, key: string): void {
  const typed = controls(form).some(
    (control) => control.matches('textarea, [type="text"]') && control.value.trim(),
  );
  const entries = controls(form)
    .filter((control) => !chosen(control) || control.checked)
    .map((control) => [control.name, control.value]);
  attempt(() => (typed ? localStorage.setItem(key, JSON.stringify(entries)) : localStorage.removeItem(key)));
}

function restore(form: HTMLFormElement, key: string): void {
  const text = attempt(() => localStorage.getItem(key));
  if (!text) return;
  const values = attempt(() => new Map(JSON.parse(text) as [string, string][]));
  if (!values) return;
  for (const control of controls(form)) {
    const value = values.get(control.name);
    if (control.type === "checkbox") (control as HTMLInputElement).checked = value !== undefined;
    else if (value === undefined) continue;
    else if (chosen(control)) control.checked = control.value === value;
    else control.value = value;
    if (value && control.type === "text") control.closest("details")?.setAttribute("open", "");
  }
}

function forget(prefix: string): void {
  attempt(() => {
    for (const key of Object.keys(localStorage)) if (key.startsWith(prefix)) localStorage.removeItem(key);
  });
}

/** Storage may be full or forbidden; then there are no drafts, and nothing else is lost. */
function attempt<Result>(action: () => Result): Result | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
