import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { bundledPackages } from "./tests/support/packages.ts";
import { LongestFirst } from "./tests/support/sequencer.ts";

// Every test file has a process of its own: what one has compiled, the next one need not.
process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), "ayni-compile-cache");

export default defineConfig({
  plugins: [bundledPackages()],
  test: {
    include: ["tests/**/*.test.{ts,tsx}"],
    globalSetup: ["tests/support/global-setup.ts"],
    setupFiles: ["tests/support/setup.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    slowTestThreshold: 2_000,
  },
});
