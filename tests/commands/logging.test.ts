import { ansiColorFormatter, jsonLinesFormatter, type LogRecord } from "@logtape/logtape";
import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { discreet } from "../../src/commands/logging.ts";
import { testDatabase } from "../support/database.ts";

test("a statement that fails is told without what it was to write", async () => {
  const { db } = await testDatabase();
  const secret = "Lo que nadie debe leer";
  const failing = [
    () => db.execute(sql`insert into throttles (subject, started, count) values (${secret}, now(), null)`),
    () => db.execute(sql`select (select ${secret}::text) from nowhere`),
  ];
  for (const fail of failing) {
    const error = await fail().then(
      () => null,
      (error: unknown) => error,
    );
    const record: LogRecord = {
      ...{ category: ["ayni"], level: "warning", timestamp: 0, rawMessage: "It failed: {error}" },
      ...{ message: ["It failed: ", error, ""], properties: { error, peer: "https://lac.example/actor" } },
    };
    for (const format of [jsonLinesFormatter, ansiColorFormatter]) {
      expect(format(record)).toContain(secret);
      const text = format(discreet(record));
      expect(text).not.toContain(secret);
      expect(text).toContain("Failed query");
      expect(text).toMatch(/23502|42P01/);
    }
  }
});
