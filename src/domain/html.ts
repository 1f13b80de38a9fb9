import linkifyString from "linkify-string";
import sanitize from "sanitize-html";

/** What people type becomes paragraphs, line breaks and links; everything else is text. */
export function plainToHtml(text: string): string {
  if (text === "") return "";
  return text
    .split(/\n{2,}/)
    .map((paragraph) => `<p>${linkify(paragraph)}</p>`)
    .join("");
}

function linkify(text: string): string {
  // linkify-string escapes everything that is not a link.
  return linkifyString(text, {
    defaultProtocol: "https",
    rel: "nofollow noopener noreferrer ugc",
    nl2br: true,
    truncate: 60,
    validate: { email: false, url: (value) => /^https?:\/\//i.test(value) },
  });
}

const OPTIONS: sanitize.IOptions = {
  allowedTags: [
    ...["p", "br", "a", "span", "del", "s", "pre", "code", "strong", "b", "em", "i", "u"],
    ...["ul", "ol", "li", "blockquote", "h2", "h3", "h4"],
  ],
  allowedAttributes: {
    a: ["href", "rel"],
    span: ["lang", "dir"],
    p: ["lang", "dir"],
    ol: ["start", "reversed"],
  },
  allowedSchemes: ["https", "http"],
  disallowedTagsMode: "discard",
  nestingLimit: 30,
  transformTags: {
    a: sanitize.simpleTransform("a", { rel: "nofollow noopener noreferrer ugc" }),
    // One main heading a page is ours.
    h1: "h2",
  },
};

/** HTML of other servers, reduced to what a post needs (the tags Mastodon keeps, and headings). */
export function sanitizeHtml(html: string): string {
  return sanitize(cutTags(html), OPTIONS);
}

/** HTML as plain text, for titles, previews and search. */
export function htmlToText(html: string): string {
  return sanitize(cutTags(html).replace(/<\/p>|<br\s*\/?>/gi, "\n"), {
    allowedTags: [],
    allowedAttributes: {},
  })
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&quot;/g, '"')
    .replace(/&amp;/g, "&")
    .trim();
}

/** What `plainToHtml` was made of, for the form in which it is changed. */
export function htmlToPlain(html: string): string {
  const text = html
    .replace(/<a [^>]*?href="([^"]*)"[^>]*>[^<]*<\/a>/g, "$1")
    .replace(/<br\s*\/?>\n?/g, "\n")
    .replace(/<\/p><p>/g, "\n\n");
  return htmlToText(text);
}

const MAX_TAGS = 5_000;

/** Ends the text before a tag too many: 100 kB of nothing but tags would keep the process busy for a second. */
function cutTags(html: string): string {
  let end = -1;
  for (let count = 0; count <= MAX_TAGS; count++) {
    end = html.indexOf("<", end + 1);
    if (end === -1) return html;
  }
  return html.slice(0, end);
}
