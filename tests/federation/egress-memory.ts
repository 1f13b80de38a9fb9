/**
 * A process of its own that asks hostile servers and prints what it cost: { memory: bytes that the resident set grew
 * at its peak, read: the most bytes taken from one connection, codes: how each server's requests failed }. Arguments: the URL of a decent document, then the hostile ones.
 */
import { subscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import { EgressError, fetchDocument, installEgress, post } from "../../src/federation/egress.ts";

const [decent = "", ...hostile] = process.argv.slice(2);
installEgress({ allow: [decent, ...hostile].map((url) => new URL(url).host) });

const asks = [
  (url: string) => fetchDocument(url, { expect: "json" }),
  (url: string) => post(url, { headers: {}, body: "{}" }),
  async (url: string) => (await fetch(url)).text(),
];
for (const ask of asks) await ask(decent);

const sockets: Socket[] = [];
subscribe("undici:client:connected", (message) => sockets.push((message as { socket: Socket }).socket));
const before = process.resourceUsage().maxRSS;
const codes = await Promise.all(hostile.map((url) => Promise.all(asks.map((ask) => outcome(ask(url))))));
const memory = (process.resourceUsage().maxRSS - before) * 1024;
const read = Math.max(...sockets.map((socket) => socket.bytesRead));
console.log(JSON.stringify({ memory, read, codes }));
process.exit();

async function outcome(asked: Promise<unknown>): Promise<string> {
  try {
    await asked;
    return "answered";
  } catch (error) {
    const cause = error instanceof TypeError ? error.cause : error;
    return cause instanceof EgressError ? cause.code : String(cause);
  }
}
