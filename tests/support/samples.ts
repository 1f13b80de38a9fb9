import { readFileSync } from "node:fs";
import type { Json } from "./remote-actor.ts";

/** A sample of tests/fixtures/inbound with the addresses of this test's servers. */
export function sample(name: string, remote: { origin: string }, hub: { origin: string }): Json {
  const text = readFileSync(new URL(`../fixtures/inbound/${name}.json`, import.meta.url), "utf8")
    .replaceAll("https://remote.example", remote.origin)
    .replaceAll("https://hub.example", hub.origin);
  return JSON.parse(text) as Json;
}
