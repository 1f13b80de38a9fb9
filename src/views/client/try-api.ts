const TOKEN = "api-token";

/** Makes the forms of the API's page (`[data-api]`) send what is in them and show what is answered. */
export function tryApi(): void {
  const page = document.querySelector<HTMLElement>("[data-api]");
  const token = document.querySelector<HTMLInputElement>(`#${TOKEN}`);
  if (!page || !token) return;
  for (const part of page.querySelectorAll<HTMLElement>("[data-try]")) part.hidden = false;
  token.value = sessionStorage.getItem(TOKEN) ?? "";
  token.addEventListener("input", () => sessionStorage.setItem(TOKEN, token.value.trim()));
  // A link to an operation opens it.
  const named = document.getElementById(location.hash.slice(1));
  if (named instanceof HTMLDetailsElement) named.open = true;
  page.addEventListener("submit", (event) => {
    const form = event.target as HTMLFormElement;
    event.preventDefault();
    void send(form, new URL(page.dataset.api ?? "").pathname, token.value.trim());
  });
}

async function send(form: HTMLFormElement, base: string, token: string): Promise<void> {
  const output = form.querySelector<HTMLElement>("pre");
  if (!output) return;
  output.hidden = false;
  output.textContent = "…";
  const { method = "GET", path = "" } = form.dataset;
  let address = base + path;
  const query = new URLSearchParams();
  for (const input of form.querySelectorAll<HTMLInputElement>("input")) {
    const value = input.value.trim();
    if (input.dataset.in === "path") address = address.replace(`{${input.name}}`, encodeURIComponent(value));
    else if (value !== "") query.set(input.name, value);
  }
  const body = form.querySelector("textarea")?.value;
  const headers = new Headers();
  if (token !== "") headers.set("Authorization", `Bearer ${token}`);
  if (body !== undefined) headers.set("Content-Type", "application/json");
  const options = { method, headers, credentials: "omit", ...(body === undefined ? {} : { body }) } as const;
  try {
    const answer = await fetch(query.size === 0 ? address : `${address}?${query}`, options);
    const told = ["Location", "Link", "Retry-After"].flatMap((name) => {
      const value = answer.headers.get(name);
      return value === null ? [] : [`${name}: ${value}`];
    });
    output.textContent = [answer.status, ...told, "", pretty(await answer.text())].join("\n");
  } catch (error) {
    output.textContent = String(error);
  }
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
