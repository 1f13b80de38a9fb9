import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkUrl, isPublicAddress, pairOf, parsePair } from "../../src/federation/egress/addresses.ts";

/** First and last address of every special block of IPv4: the IANA registry, multicast and reserved. */
const SPECIAL_IPV4 = [
  ["0.0.0.0", "0.255.255.255"],
  ["10.0.0.0", "10.255.255.255"],
  ["100.64.0.0", "100.127.255.255"],
  ["127.0.0.0", "127.255.255.255"],
  ["169.254.0.0", "169.254.255.255"],
  ["172.16.0.0", "172.31.255.255"],
  ["192.0.0.0", "192.0.0.255"],
  ["192.0.2.0", "192.0.2.255"],
  ["192.31.196.0", "192.31.196.255"],
  ["192.52.193.0", "192.52.193.255"],
  ["192.88.99.0", "192.88.99.255"],
  ["192.168.0.0", "192.168.255.255"],
  ["192.175.48.0", "192.175.48.255"],
  ["198.18.0.0", "198.19.255.255"],
  ["198.51.100.0", "198.51.100.255"],
  ["203.0.113.0", "203.0.113.255"],
  ["224.0.0.0", "255.255.255.255"],
].map((ends) => ends.map(ipv4ToNumber) as [first: number, last: number]);

/** The same of IPv6; all that is not global unicast is one block before it and one behind. */
const SPECIAL_IPV6 = [
  ["0".repeat(32), `1fff${"f".repeat(28)}`],
  [`20010000${"0".repeat(24)}`, `200101ff${"f".repeat(24)}`],
  [`20010db8${"0".repeat(24)}`, `20010db8${"f".repeat(24)}`],
  [`2002${"0".repeat(28)}`, `2002${"f".repeat(28)}`],
  [`2620004f8000${"0".repeat(20)}`, `2620004f8000${"f".repeat(20)}`],
  [`3fff0000${"0".repeat(24)}`, `3fff0fff${"f".repeat(24)}`],
  [`4${"0".repeat(31)}`, "f".repeat(32)],
].map((ends) => ends.map((hex) => BigInt(`0x${hex}`)) as [first: bigint, last: bigint]);

const anyIpv4 = fc.nat({ max: 0xffff_ffff });
const specialIpv4 = fc
  .constantFrom(...SPECIAL_IPV4)
  .chain(([first, last]) => fc.oneof(fc.constantFrom(first, last), fc.integer({ min: first, max: last })));
const anyIpv6 = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n });
const specialIpv6 = fc
  .constantFrom(...SPECIAL_IPV6)
  .chain(([first, last]) => fc.oneof(fc.constantFrom(first, last), fc.bigInt({ min: first, max: last })));

/** How an IPv4 address can be written in a URL. */
const SPELLINGS: ((address: number) => string)[] = [
  String,
  (n) => `0x${n.toString(16)}`,
  (n) => `0${n.toString(8)}`,
  (n) => dotted(n),
  (n) => `${dotted(n)}.`,
  (n) => dotted(n, (byte) => `0x${byte.toString(16)}`),
  (n) => dotted(n, (byte) => `0${byte.toString(8)}`),
  (n) => `${n >>> 24}.${n & 0xff_ffff}`,
  (n) => `${n >>> 24}.${(n >>> 16) & 0xff}.${n & 0xffff}`,
  (n) => dotted(n).replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit))),
  (n) => dotted(n).replaceAll(".", "。"),
  (n) => dotted(n).replaceAll(".", "%2e"),
];

/** How IPv6 wraps IPv4: mapped, compatible, translated, NAT64 (well-known and local), 6to4, Teredo. */
const WRAPPERS: ((address: number) => string)[] = [
  (n) => `::ffff:${dotted(n)}`,
  (n) => `::FFFF:${twoWords(n)}`,
  (n) => `0:0:0:0:0:ffff:${twoWords(n)}`,
  (n) => `::${dotted(n)}`,
  (n) => `::ffff:0:${twoWords(n)}`,
  (n) => `64:ff9b::${dotted(n)}`,
  (n) => `64:ff9b:1::${twoWords(n)}`,
  (n) => `2002:${twoWords(n)}::1`,
  (n) => `2001:0:4136:e378:8000:63bf:${twoWords(~n >>> 0)}`,
];

describe("special addresses", () => {
  it("are refused in every spelling of IPv4 (CVE-2026-50131)", () => {
    fc.assert(
      fc.property(specialIpv4, fc.constantFrom(...SPELLINGS), (address, spell) => {
        expect(isPublicAddress(hostOf(spell(address)))).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });

  it("are refused wrapped in IPv6, and so is whatever else is wrapped (GHSA-vwhj)", () => {
    fc.assert(
      fc.property(fc.oneof(specialIpv4, anyIpv4), fc.constantFrom(...WRAPPERS), (address, wrap) => {
        expect(isPublicAddress(hostOf(`[${wrap(address)}]`))).toBe(false);
        expect(isPublicAddress(wrap(address))).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });

  it("are refused in IPv6, the unspecified one too (CVE-2026-46348)", () => {
    fc.assert(
      fc.property(specialIpv6, (address) => {
        expect(isPublicAddress(hostOf(`[${groups(address)}]`))).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });

  it("are all that is refused", () => {
    fc.assert(
      fc.property(anyIpv4, (address) => {
        expect(isPublicAddress(dotted(address))).toBe(!within(SPECIAL_IPV4, address));
      }),
      { numRuns: 2_000 },
    );
    fc.assert(
      fc.property(fc.oneof(anyIpv6, anyIpv6.map(asGlobalUnicast)), (address) => {
        expect(isPublicAddress(groups(address))).toBe(!within(SPECIAL_IPV6, address));
      }),
      { numRuns: 2_000 },
    );
  });

  it.each(["", "localhost", "8.8.8", "8.8.8.8.", "fe80::1%eth0", "2600::1%eth0", "[2600::1]", "8.8.8.8:80"])(
    "include what is no address at all: %j",
    (text) => expect(isPublicAddress(text)).toBe(false),
  );
});

describe("an allow-list", () => {
  it.each([
    ["127.0.0.1:4011", "127.0.0.1:4011"],
    ["[::1]:4011", "[::1]:4011"],
    ["[0:0:0:0:0:0:0:1]:80", "[::1]:80"],
    ["10.1.2.3:65535", "10.1.2.3:65535"],
  ])("takes an address with a port: %s", (text, pair) => expect(parsePair(text)).toBe(pair));

  it.each([
    "127.0.0.1",
    "127.0.0.1:",
    "127.0.0.1:0",
    "127.0.0.1:65536",
    "127.0.0.1:80,",
    "127.0.0.0/8:80",
    "*:80",
    "localhost:80",
    "0x7f000001:80",
    "::1:80",
    "[::1]",
    "[::1%lo]:80",
    "[127.0.0.1]:80",
    "true",
    "",
  ])("takes nothing that would open more: %j", (text) => {
    expect(() => parsePair(text)).toThrow("Not an address:port pair");
  });

  it("compares addresses, not their spelling, and keeps IPv4 apart from what wraps it", () => {
    expect(pairOf("0:0:0:0:0:0:0:1", 80)).toBe(pairOf("::1", 80));
    expect(pairOf("::ffff:127.0.0.1", 80)).not.toBe(pairOf("127.0.0.1", 80));
  });
});

describe("a URL from outside", () => {
  it.each([
    ["a line break in the path", "https://hub.example/a\r\nHost: evil.example"],
    ["a tab, which parsers drop", "https://hub.example/a\tb"],
    ["a line break in percent-encoding", "https://hub.example/a%0d%0aX-Injected:%201"],
    ["a NUL in percent-encoding", "https://hub.example/a%00b"],
    ["a space", "https://hub.example/a b"],
    ["a leading space", " https://hub.example/"],
    ["a backslash, which parsers turn", "https://hub.example\\@evil.example/"],
    ["a no-break space", "https://hub.example/\u00a0"],
    ["a user", "https://hub.example@evil.example/"],
    ["a password", "https://user:password@hub.example/"],
    ["a trailing dot", "https://hub.example./"],
    ["a trailing dot and a port", "https://hub.example.:8443/"],
    ["no scheme", "hub.example/actor"],
    ["another scheme", "ftp://hub.example/"],
    ["a file", "file:///etc/passwd"],
    ["too much of it", `https://hub.example/${"a".repeat(5_000)}`],
  ])("is refused with %s (GHSA-hcqf)", (_name, url) => {
    expect(() => checkUrl(url)).toThrow(expect.objectContaining({ code: "invalid_url" }));
  });

  it.each([
    "https://hub.example/actors/1?page=2#main-key",
    "https://hub.example:8443/",
    "https://españa.example/ñandú",
    "https://hub.example/%E2%9C%93",
    "http://127.0.0.1:4011/",
  ])("is read when it is an ordinary one: %s", (url) => {
    expect(checkUrl(url).href).toBe(new URL(url).href);
  });
});

/** The host as a connection is asked for it. */
function hostOf(spelling: string): string {
  return new URL(`https://${spelling}/`).hostname.replace(/^\[|\]$/g, "");
}

function dotted(address: number, spell: (byte: number) => string = String): string {
  return [24, 16, 8, 0].map((shift) => spell((address >>> shift) & 0xff)).join(".");
}

function twoWords(address: number): string {
  return `${(address >>> 16).toString(16)}:${(address & 0xffff).toString(16)}`;
}

function groups(address: bigint): string {
  return address.toString(16).padStart(32, "0").match(/.{4}/g)!.join(":");
}

function asGlobalUnicast(address: bigint): bigint {
  return (address >> 3n) | (1n << 125n);
}

function ipv4ToNumber(address: string): number {
  return address.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0);
}

function within<T extends number | bigint>(ranges: [T, T][], address: T): boolean {
  return ranges.some(([first, last]) => first <= address && address <= last);
}
