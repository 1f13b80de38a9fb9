/** Shows the copy buttons (`button[data-copy]`), which do nothing without a script, and makes them work. */
export function copyButtons(): void {
  if (!navigator.clipboard) return;
  for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-copy]")) {
    const label = button.querySelector("[aria-live]");
    const before = label?.textContent ?? "";
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.dataset.copy ?? "");
      if (!label) return;
      label.textContent = button.dataset.copied ?? before;
      setTimeout(() => {
        label.textContent = before;
      }, 3000);
    });
  }
}
