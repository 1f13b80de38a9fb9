/** What the strict remote server demands of every activity: the union of what the servers out there choke on. */

type Json = Record<string, unknown>;

const ABSOLUTE = /^https?:\/\/[^/]+/;
/** Servers that read these without JSON-LD (Lemmy, Mobilizon, Pixelfed) want lists, one element or not. */
const LISTS = ["to", "cc", "bto", "bcc", "tag", "attachment"];
const IRIS = [
  "id",
  "actor",
  "attributedTo",
  "object",
  "target",
  "inReplyTo",
  "inbox",
  "outbox",
  "followers",
  "following",
];
const TIMES = ["published", "updated", "startTime", "endTime", "created"];
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** Everything that is wrong with an activity, as `path: complaint`. */
export function malformations(activity: unknown): string[] {
  if (!isJson(activity)) return ["the body is not a JSON object"];
  const problems: string[] = [];
  if (!("@context" in activity)) problems.push("there is no @context");
  if (typeof activity.id !== "string") problems.push("id: an activity needs one");
  if (typeof activity.actor !== "string") problems.push("actor: must be an iri, not an object (Threads)");
  if (typeof activity.type !== "string") problems.push("type: must be one string");
  inspect(activity, "", problems);
  return problems;
}

function inspect(value: Json, path: string, problems: string[]): void {
  for (const [key, item] of Object.entries(value)) {
    const here = path === "" ? key : `${path}.${key}`;
    if (key === "@context") continue;
    if (LISTS.includes(key) && !Array.isArray(item)) problems.push(`${here}: must be a list`);
    if (TIMES.includes(key) && !(typeof item === "string" && RFC3339.test(item))) {
      problems.push(`${here}: is not an RFC 3339 time: ${JSON.stringify(item)}`);
    }
    if (IRIS.includes(key)) {
      for (const iri of [item].flat()) {
        if (typeof iri === "string" && !ABSOLUTE.test(iri)) problems.push(`${here}: is not absolute: ${iri}`);
      }
    }
    if (["to", "cc", "audience"].includes(key)) {
      for (const recipient of [item].flat()) {
        if (recipient === "as:Public" || recipient === "Public")
          problems.push(`${here}: must spell Public in full`);
        else if (typeof recipient !== "string" || !ABSOLUTE.test(recipient)) {
          problems.push(`${here}: is not an iri: ${JSON.stringify(recipient)}`);
        }
      }
    }
    for (const [index, child] of (Array.isArray(item) ? item : [item]).entries()) {
      if (isJson(child)) inspect(child, Array.isArray(item) ? `${here}[${index}]` : here, problems);
    }
  }
}

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
