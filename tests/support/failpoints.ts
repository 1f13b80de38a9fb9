import { drizzle } from "drizzle-orm/postgres-js";
import type { Sql, TransactionSql } from "postgres";
import type { Db } from "../../src/db/client.ts";
import { connect } from "../../src/db/connect.ts";
import * as schema from "../../src/db/schema/index.ts";

/**
 * A database handle like the hub's that tells `before` of each call as it is about to be made, by its number from 1 on: every
 * statement, BEGIN, SAVEPOINT and COMMIT. What `before` throws happens instead of the call.
 */
export function countedDb(
  url: string,
  before: (call: number) => void,
): { db: Db; close: () => Promise<void> } {
  const client = connect(url, { max: 3, onnotice: () => {} });
  let calls = 0;
  const count = () => before(++calls);
  const db = drizzle(counted(client, count), { schema });
  return { db, close: () => client.end({ timeout: 5 }) };
}

function counted<T extends Sql | TransactionSql>(client: T, count: () => void): T {
  const { unsafe } = client;
  const own: Partial<Sql & TransactionSql> = {
    unsafe(text, parameters, options) {
      count();
      return unsafe(text, parameters, options);
    },
  };
  const inside =
    (fn: (tx: TransactionSql) => unknown) =>
    async (tx: TransactionSql): Promise<unknown> => {
      const result = await fn(counted(tx, count));
      count();
      return result;
    };
  if ("begin" in client) {
    const { begin } = client as Sql;
    own.begin = ((fn: (tx: TransactionSql) => unknown) => {
      count();
      return begin(inside(fn));
    }) as Sql["begin"];
  }
  if ("savepoint" in client) {
    const { savepoint } = client as TransactionSql;
    own.savepoint = ((fn: (tx: TransactionSql) => unknown) => {
      count();
      return savepoint(inside(fn));
    }) as TransactionSql["savepoint"];
  }
  return Object.assign(client, own);
}
