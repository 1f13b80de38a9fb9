import fc from "fast-check";
import { afterAll } from "vitest";
import { dropDatabases } from "./database.ts";

fc.configureGlobal({ numRuns: 100, endOnFailure: true });

afterAll(dropDatabases);
