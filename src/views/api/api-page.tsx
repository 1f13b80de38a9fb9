import { Layout } from "../ui/layout.tsx";
import type { PageContext } from "../ui/page.ts";

/** An operation of the JSON API, as the page tells of it. */
export interface ApiOperation {
  id: string;
  method: string;
  /** Below the API's address, with `{name}` for what varies. */
  path: string;
  summary: string;
  description: string;
  tag: string;
  /** null: for everybody. */
  scope: string | null;
  params: readonly string[];
  query: readonly { name: string; description: string }[];
  /** A body that can be sent; undefined where none is taken. */
  example: unknown;
}

export interface ApiPageProps {
  page: PageContext;
  /** The API's address, `https://hub.example/api/ayni/v1`. */
  base: string;
  operations: readonly ApiOperation[];
  problems: readonly { code: string; status: number }[];
}

/**
 * The JSON API, to read and to try. In English, as its document and its codes are. Without a script it is documentation with
 * commands to copy; with one, each operation has a form.
 */
export const ApiPage = ({ page, base, operations, problems }: ApiPageProps) => (
  <Layout page={page} title="JSON API" section={null}>
    <div class="api" lang="en" dir="ltr" data-api={base}>
      <h1>JSON API</h1>
      <p>
        Everything that an organization does in the exchange, for programs. For tools there is an{" "}
        <a href="/api/ayni/v1/openapi.json">OpenAPI 3.1 document</a>.
      </p>
      <section class="card">
        <h2>Begin</h2>
        <p>
          Make a token among <a href="/settings/tokens">your settings</a>. It acts as one organization, for as
          long as its account may. Whoever runs the hub can also make it on the command line:
        </p>
        <pre tabindex={0}>
          <code>
            {
              'ayni token create --account HANDLE --as ORGANIZATION --scopes "exchange:read exchange:write ledger:read ledger:write"'
            }
          </code>
        </pre>
        <ul>
          <li>
            Amounts are integer minor units as text, with their unit. <code>GET /policy</code> tells how many
            decimals a credit has.
          </li>
          <li>Ids are decimal numbers as text. Times are RFC 3339, UTC.</li>
          <li>
            Lists come in pages: follow <code>Link: &lt;…&gt;; rel="next"</code> until there is none.
          </li>
          <li>
            Writes take an <code>Idempotency-Key</code>: sent again, a request is not done again, and is
            answered alike.
          </li>
          <li>
            Errors are <code>application/problem+json</code> (RFC 9457). Decide by <code>code</code>.
          </li>
          <li>A token may ask 300 times a minute; 60 of these may write.</li>
        </ul>
        <div class="field" data-try hidden>
          <label for="api-token">Token</label>
          <input
            id="api-token"
            type="password"
            autocomplete="off"
            spellcheck={false}
            aria-describedby="api-token-hint"
          />
          <p class="hint" id="api-token-hint">
            Kept in this tab until it is closed, and sent to this hub alone. What you send here is done for
            real.
          </p>
        </div>
      </section>
      {[...new Set(operations.map(({ tag }) => tag))].map((tag) => (
        <section>
          <h2>{tag}</h2>
          {operations
            .filter((operation) => operation.tag === tag)
            .map((operation) => (
              <Operation base={base} operation={operation} />
            ))}
        </section>
      ))}
      <section class="card">
        <h2>Problems</h2>
        <ul class="api-problems">
          {problems.map(({ code, status }) => (
            <li id={`problem-${code}`}>
              <code>{code}</code> <span class="quiet">{status}</span>
            </li>
          ))}
        </ul>
      </section>
    </div>
  </Layout>
);

const Operation = ({ base, operation }: { base: string; operation: ApiOperation }) => {
  const { id, method, path, summary, description, scope, params, query, example } = operation;
  const json = example === undefined ? undefined : JSON.stringify(example, null, 2);
  return (
    <details class="card api-operation" id={id}>
      <summary>
        <code>
          <b>{method}</b> {path}
        </code>
        <span>{summary}</span>
      </summary>
      {description === "" ? null : <p>{description}</p>}
      <p class="quiet">{scope === null ? "For everybody, without a token." : `Scope: ${scope}`}</p>
      <pre tabindex={0}>
        <code>{curl(base, operation, json)}</code>
      </pre>
      <form data-try data-method={method} data-path={path} hidden>
        {params.map((name) => (
          <div class="field">
            <label for={`${id}-${name}`}>{name}</label>
            <input id={`${id}-${name}`} name={name} type="text" data-in="path" required autocomplete="off" />
          </div>
        ))}
        {query.map(({ name, description }) => (
          <div class="field">
            <label for={`${id}-${name}`}>
              {name} <span class="quiet">{description}</span>
            </label>
            <input id={`${id}-${name}`} name={name} type="text" data-in="query" autocomplete="off" />
          </div>
        ))}
        {json === undefined ? null : (
          <div class="field">
            <label for={`${id}-body`}>Body</label>
            <textarea id={`${id}-body`} data-in="body" rows={json.split("\n").length + 1} spellcheck={false}>
              {json}
            </textarea>
          </div>
        )}
        <button class="button" type="submit">
          Send
        </button>
        <pre tabindex={0} aria-live="polite" hidden></pre>
      </form>
    </details>
  );
};

/** The operation as a command that can be copied into a shell. */
function curl(base: string, { method, path, scope }: ApiOperation, json: string | undefined): string {
  const address = base + path.replace(/\{(\w+)\}/g, (_, name: string) => name.toUpperCase());
  const parts = [method === "GET" ? `curl ${address}` : `curl -X ${method} ${address}`];
  if (scope !== null) parts.push('-H "Authorization: Bearer $TOKEN"');
  if (json !== undefined) {
    parts.push("-H 'Content-Type: application/json'", '-H "Idempotency-Key: $(uuidgen)"');
    parts.push(`-d '${json.replaceAll("'", "'\\''")}'`);
  }
  return parts.join(" \\\n  ");
}
