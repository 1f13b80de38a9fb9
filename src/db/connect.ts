import postgres, { type Sql } from "postgres";

/**
 * One pool of postgres.js. Unlike postgres.js it reads a socket's directory from the URL as libpq does:
 * `postgres://user:password@localhost/database?host=/directory`.
 */
export function connect(
  url: string,
  options: postgres.Options<Record<string, postgres.PostgresType>> = {},
): Sql {
  const { searchParams } = new URL(url);
  const directory = searchParams.get("host");
  if (!directory) return postgres(url, options) as unknown as Sql;
  searchParams.delete("host");
  const query = searchParams.toString();
  const plain = url.slice(0, url.indexOf("?")) + (query && `?${query}`);
  return postgres(plain, { ...options, host: directory }) as unknown as Sql;
}
