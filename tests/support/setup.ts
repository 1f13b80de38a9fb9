import fc from "fast-check";
import { afterAll } from "vitest";
import { dropDatabases } from "./database.ts";
import { shareRsaKeys } from "./rsa-keys.ts";

shareRsaKeys();
fc.configureGlobal({ numRuns: 100, endOnFailure: true });

afterAll(dropDatabases);
