/** Reads pages that this project wrote: every attribute is in double quotes, and every tag in lower case. */

export interface Tag {
  name: string;
  attributes: Record<string, string>;
  /** Where it ends. */
  end: number;
}

/** All start tags in order. */
export function tags(html: string): Tag[] {
  return [...html.matchAll(/<([a-z][a-z0-9-]*)((?:\s+[^\s"'<>/=]+(?:="[^"]*")?)*)\s*\/?>/g)].map((match) => ({
    name: match[1] ?? "",
    attributes: Object.fromEntries(
      [...(match[2] ?? "").matchAll(/([^\s"'<>/=]+)(?:="([^"]*)")?/g)].map(([, name = "", value = ""]) => [
        name,
        unescaped(value),
      ]),
    ),
    end: match.index + match[0].length,
  }));
}

/** What a control holds, as it would be sent; undefined when it would not be, or there is none. */
export function typedIn(html: string, name: string): string | undefined {
  const all = tags(html);
  for (const [index, { name: tag, attributes, end }] of all.entries()) {
    if (attributes.name !== name) continue;
    if (tag === "textarea") return unescaped(html.slice(end, html.indexOf("</textarea>", end)));
    if (tag === "select") {
      const close = html.indexOf("</select>", end);
      const options = all.slice(index + 1).filter((option) => option.end < close);
      return (options.find((option) => "selected" in option.attributes) ?? options[0])?.attributes.value;
    }
    if (["radio", "checkbox"].includes(attributes.type ?? "") && !("checked" in attributes)) continue;
    if (tag === "input") return attributes.value ?? "";
  }
  return undefined;
}

/** The forms of a page that change something: where they go and what they ask for. */
export function forms(html: string): { action: string; fields: string[] }[] {
  return [...html.matchAll(/<form\b[^>]*method="post"[^>]*>/g)].map((match) => {
    const end = html.indexOf("</form>", match.index);
    const inside = tags(html.slice(match.index, end));
    const fields = inside.flatMap(({ name, attributes }) =>
      ["input", "select", "textarea", "button"].includes(name) && attributes.name ? [attributes.name] : [],
    );
    return { action: inside[0]?.attributes.action ?? "", fields: [...new Set(fields)] };
  });
}

/** The visible text of a piece of a page. */
export function textOf(html: string): string {
  return unescaped(html.replace(/<[^>]*>/g, " "))
    .replace(/\s+/g, " ")
    .trim();
}

/** The element with this id, as HTML; empty when there is none. Elements of its own name must not stand inside it. */
export function elementById(html: string, id: string): string {
  const start = html.search(new RegExp(`<[a-z][^<>]*\\sid="${id}"`));
  if (start === -1) return "";
  const name = /^<([a-z0-9]+)/.exec(html.slice(start))?.[1] ?? "";
  const close = name === "input" ? "/>" : `</${name}>`;
  return html.slice(start, html.indexOf(close, start) + close.length);
}

function unescaped(text: string): string {
  return text
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&amp;", "&");
}
