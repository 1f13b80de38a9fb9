import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { isIPv4 } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { resolveName } from "../../src/federation/egress/names.ts";
import { getWith, serve } from "./loopback.ts";

it("has the addresses of both families, IPv4 first", async () => {
  const ask = await nameServer({ "hub.example": ["192.0.2.1", "192.0.2.2", "2001:db8::1"] });
  expect(await ask("hub.example")).toEqual(["192.0.2.1", "192.0.2.2", "2001:db8::1"]);
});

it("has IPv6 alone", async () => {
  const ask = await nameServer({ "six.example": ["2001:db8::6"] });
  expect(await ask("six.example")).toEqual(["2001:db8::6"]);
});

it("does not wait for an answer about IPv6 that never comes", { timeout: 30_000 }, async () => {
  const ask = await nameServer({ "hub.example": ["192.0.2.1"] }, (type) => type === AAAA);
  expect(await ask("hub.example", 60_000)).toEqual(["192.0.2.1"]);
});

it("gives up when the name servers hang, and asks no thread of getaddrinfo to wait as well", async () => {
  const ask = await nameServer({}, () => true);
  await expect(ask("dead.example", 50)).rejects.toMatchObject({ code: "timeout" });
});

it("knows localhost without a name server, but what it leads to must be allowed", async () => {
  const ask = await nameServer({}, () => true);
  expect(await ask("localhost")).toEqual(["127.0.0.1", "::1"]);
  expect(await ask("hub.localhost")).toEqual(["127.0.0.1", "::1"]);
  const { port } = await serve((_request, response) => response.end());
  const get = getWith(resolveName, [`127.0.0.1:${port}`]);
  expect(await get(`http://localhost:${port}`)).toBe(200);
  await expect(getWith(resolveName)(`http://localhost:${port}`)).rejects.toMatchObject({
    code: "forbidden_address",
  });
});

const A = 1;
const AAAA = 28;

/** Resolves names with a name server that knows these and is silent where `mute` says so. */
async function nameServer(
  known: Record<string, string[]>,
  mute: (type: number) => boolean = () => false,
): Promise<(hostname: string, timeout?: number) => Promise<string[]>> {
  const server = createSocket("udp4", (query, { port, address }) => {
    const { name, type, end } = question(query);
    if (!mute(type)) server.send(reply(query.subarray(0, end), type, known[name] ?? []), port, address);
  });
  await new Promise<void>((resolve) => server.bind(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return (hostname, timeout = 5_000) => {
    const resolver = new Resolver({ timeout, tries: 1 });
    resolver.setServers([`127.0.0.1:${server.address().port}`]);
    onTestFinished(() => resolver.cancel());
    return resolveName(hostname, resolver);
  };
}

function question(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join("."), type: query.readUInt16BE(at + 1), end: at + 5 };
}

/** RFC 1035, 4.1: the question again, then the addresses of its type. */
function reply(query: Buffer, type: number, addresses: string[]): Buffer {
  const records = addresses
    .filter((address) => isIPv4(address) === (type === A))
    .map((address) => {
      const data = Buffer.from(isIPv4(address) ? address.split(".").map(Number) : ipv6Bytes(address));
      const head = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, data.length]);
      return Buffer.concat([head, data]);
    });
  const header = Buffer.from(query.subarray(0, 12));
  header.writeUInt16BE(0x8180, 2);
  header.writeUInt16BE(records.length, 6);
  header.writeUInt32BE(0, 8);
  return Buffer.concat([header, query.subarray(12), ...records]);
}

/** Of an address with one "::" in it. */
function ipv6Bytes(address: string): Buffer {
  const [front = "", back = ""] = address.split("::");
  const words = (text: string) =>
    text
      .split(":")
      .map((word) => word.padStart(4, "0"))
      .join("");
  return Buffer.from(words(front) + words(back).padStart(32 - words(front).length, "0"), "hex");
}
