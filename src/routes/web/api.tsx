import { Hono } from "hono";
import { ApiPage } from "../../views/api/api-page.tsx";
import { apiRoutes } from "../api/index.ts";
import { BASE } from "../api/operation.ts";
import { PROBLEM_STATUS } from "../api/problem.ts";
import type { Env } from "../env.ts";
import { render, type Web } from "./page.tsx";

/** The page of the JSON API, at the API's own address. */
export function apiPageRoutes(web: Web) {
  const { operations } = apiRoutes(web);
  const problems = Object.entries(PROBLEM_STATUS).map(([code, status]) => ({ code, status }));
  return new Hono<Env>().get(BASE, async (c) =>
    render(
      c,
      <ApiPage
        page={web.page(c)}
        base={web.ctx.hub.origin + BASE}
        operations={operations}
        problems={problems.toSorted((a, b) => a.status - b.status || (a.code < b.code ? -1 : 1))}
      />,
    ),
  );
}
