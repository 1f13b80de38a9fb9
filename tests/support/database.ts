import { randomBytes } from "node:crypto";
import { inject, onTestFinished } from "vitest";
import { type Database, type Db, openDatabase } from "../../src/db/client.ts";
import { connect } from "../../src/db/connect.ts";
import { databaseUrl, TEMPLATE } from "./global-setup.ts";

/** What this test file has open; `setup.ts` closes the rest when the file ends. */
const open = new Set<() => Promise<void>>();
let shared: Promise<Database> | undefined;

/**
 * A migrated database of its own, for tests that commit. Dropped when the test ends; when called in `beforeAll` or
 * outside of any test, when the file ends. `url` serves whole hubs and other processes. The template `template1` gives an
 * empty one.
 */
export async function testDatabase(template = TEMPLATE): Promise<Database> {
  const { database, drop } = await clone(template);
  whenDone(drop);
  return database;
}

/**
 * The file's database inside a transaction that is rolled back when the test ends; `db.transaction` makes savepoints.
 * Call it in a test or in `beforeEach`. What must commit, or be seen by another connection, wants `testDatabase`.
 */
export async function rollbackDatabase(): Promise<Db> {
  shared ??= clone(TEMPLATE).then(({ database, drop }) => {
    open.add(drop);
    return database;
  });
  const { db } = await shared;
  const begun = Promise.withResolvers<Db>();
  const done = Promise.withResolvers<never>();
  const rollback = new Error("rolled back");
  const transaction = db
    .transaction(async (tx) => {
      begun.resolve(tx);
      await done.promise;
    })
    .catch((error) => {
      begun.reject(error);
      if (error !== rollback) throw error;
    });
  onTestFinished(() => {
    done.reject(rollback);
    return transaction;
  });
  return begun.promise;
}

/** What uses a database that was made outside of a test, and so has to end before it is dropped. */
const users = new Set<() => Promise<void>>();

/** Ends something with the test that it was made in, or else with the file, before the file's databases are dropped. */
export function endLater(end: () => Promise<void>): void {
  try {
    onTestFinished(end);
  } catch {
    users.add(end);
  }
}

/** Closes and drops what no test's end did. */
export async function dropDatabases(): Promise<void> {
  shared = undefined;
  await Promise.all([...users].map((end) => end()));
  await Promise.all([...open].map((drop) => drop()));
}

async function clone(template: string): Promise<{ database: Database; drop: () => Promise<void> }> {
  const clusterUrl = inject("clusterUrl");
  const name = `ayni_${process.pid}_${randomBytes(6).toString("hex")}`;
  const cluster = connect(clusterUrl, { max: 1 });
  await cluster`create database ${cluster(name)} template ${cluster(template)} strategy file_copy`;
  await cluster.end();
  const database = openDatabase(databaseUrl(clusterUrl, name), { orm: 6, raw: 4 });

  async function drop(): Promise<void> {
    open.delete(drop);
    await database.close();
    const cluster = connect(clusterUrl, { max: 1 });
    await cluster`drop database if exists ${cluster(name)} with (force)`;
    await cluster.end();
  }
  return { database, drop };
}

function whenDone(drop: () => Promise<void>): void {
  open.add(drop);
  try {
    onTestFinished(drop);
  } catch {
    // Not in a test: the file's end does it.
  }
}
