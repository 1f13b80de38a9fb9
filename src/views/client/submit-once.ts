/** After this long without an answer the button may be pressed again: the browser gave up, or was stopped. */
const PATIENCE = 30_000;

/**
 * Presses a form's button once: a second tap on a slow connection would publish twice. Undone when the browser shows
 * the page again from its back-forward cache.
 */
export function submitOnce(): void {
  document.addEventListener("submit", (event) => {
    const form = event.target as HTMLFormElement;
    if (event.defaultPrevented || form.method !== "post") return;
    if (form.dataset.sent !== undefined) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "";
    // Not `disabled`: a disabled button would not send its name and value.
    event.submitter?.setAttribute("aria-busy", "true");
    setTimeout(release, PATIENCE);
  });

  window.addEventListener("pageshow", (event) => {
    if (event.persisted) release();
  });
}

function release(): void {
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-sent]")) delete form.dataset.sent;
  for (const button of document.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
}
