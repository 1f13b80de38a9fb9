/** Brings a form that came back with errors into view and tells it to screen readers, by moving the focus there. */
export function showErrors(): void {
  document.querySelector<HTMLElement>(".error-summary")?.focus();
}
