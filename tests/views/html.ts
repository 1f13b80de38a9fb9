export interface Tag {
  name: string;
  attributes: Map<string, string>;
}

/** Start tags of HTML as hono/jsx writes it: double quotes around every value. */
export function tags(html: string): Tag[] {
  return [...html.matchAll(/<([a-z][a-z0-9]*)((?:\s+[^\s"'>/=]+(?:="[^"]*")?)*)\s*\/?>/g)].map(
    ([, name = "", attributes = ""]) => ({
      name,
      attributes: new Map(
        [...attributes.matchAll(/([^\s"'>/=]+)(?:="([^"]*)")?/g)].map(([, key = "", value = ""]) => [
          key,
          value,
        ]),
      ),
    }),
  );
}

/** Inputs of a form, by the form's action. */
export function forms(html: string): { action: string; method: string; inputs: Tag[] }[] {
  return [...html.matchAll(/<form\b[^>]*>.*?<\/form>/gs)].map(([form]) => {
    const [start, ...rest] = tags(form);
    return {
      action: start?.attributes.get("action") ?? "",
      method: start?.attributes.get("method") ?? "get",
      inputs: rest.filter(({ attributes }) => attributes.has("name")),
    };
  });
}

export function text(html: string): string {
  return html.replace(/<[^>]*>/g, "\n");
}
