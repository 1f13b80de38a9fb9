import { BlockList, isIP, SocketAddress } from "node:net";
import { EgressError } from "./error.ts";

/**
 * Every block of the IANA IPv4 Special-Purpose Address Registry, the globally reachable ones too (no hub lives there),
 * multicast (RFC 5771) and the reserved rest.
 */
const SPECIAL_IPV4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.31.196.0/24",
  "192.52.193.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "192.175.48.0/24",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
];

/**
 * All that IANA has given out as global unicast. What lies outside is special by nature: loopback, unspecified,
 * link-local, unique local, multicast, and the forms that wrap an IPv4 address (`::a.b.c.d`, `::ffff:a.b.c.d`, NAT64).
 */
const GLOBAL_IPV6 = "2000::/3";

/**
 * The blocks of the IANA IPv6 Special-Purpose Address Registry within global unicast. 2001::/23 holds Teredo, ORCHID and
 * benchmarking, 2002::/16 is 6to4; both can wrap an IPv4 address.
 */
const SPECIAL_IPV6 = ["2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"];

const special = blockList([...SPECIAL_IPV4, ...SPECIAL_IPV6]);
const globalIpv6 = blockList([GLOBAL_IPV6]);

/** Whether an address, as a socket or a resolver spells it, is one that any host of the internet may have. */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !special.check(address, "ipv4");
    case 6:
      // A zone ("fe80::1%eth0") makes sense only on one link.
      return !address.includes("%") && globalIpv6.check(address, "ipv6") && !special.check(address, "ipv6");
    default:
      return false;
  }
}

/**
 * Reads an entry of the allow-list: an address and a port, "127.0.0.1:4011" or "[::1]:4011". No names, no ranges.
 * @throws Error when it is anything else
 */
export function parsePair(text: string): string {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const address = match?.[1] ?? match?.[2] ?? "";
  const port = Number(match?.[3]);
  const family = match?.[1] === undefined ? 4 : 6;
  if (isIP(address) !== family || address.includes("%") || port < 1 || port > 65_535) {
    throw new Error(`Not an address:port pair such as 127.0.0.1:4011 or [::1]:4011: ${text}`);
  }
  return pairOf(address, port);
}

/** The one spelling of an address and a port by which pairs are compared. */
export function pairOf(address: string, port: number): string {
  if (isIP(address) !== 6) return `${address}:${port}`;
  return `[${new SocketAddress({ address, family: "ipv6" }).address}]:${port}`;
}

/** Controls, spaces and backslashes, which URL parsers drop or rewrite, and NUL, LF and CR in percent-encoding. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNSAFE = /[\u0000-\u0020\u007f-\u00a0\\]|%0[0ad]/i;
const MAX_LENGTH = 4096;

/**
 * Reads a URL that comes from outside, judging the text as it was written: WHATWG parsing would silently drop a line
 * break. No particular port is refused: towards public addresses there is only https, and a TLS handshake
 * cannot be made to say anything to a service of another kind.
 * @param base of a relative one, as in a Location header
 * @throws EgressError `invalid_url`: unsafe characters, a scheme other than http and https, a user name or password, a
 * host with a trailing dot (a second name for the same host), or more than 4,096 characters
 */
export function checkUrl(raw: string | URL, base?: URL): URL {
  const text = typeof raw === "string" ? raw : raw.href;
  if (text.length > MAX_LENGTH || UNSAFE.test(text)) {
    throw new EgressError("invalid_url", "The URL is too long or has characters that it must not have.");
  }
  let url: URL;
  try {
    url = new URL(text, base);
  } catch (cause) {
    throw new EgressError("invalid_url", `Not a URL: ${text}`, { cause });
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw new EgressError("invalid_url", `Neither http nor https: ${url.protocol}`);
  }
  if (url.username !== "" || url.password !== "" || url.hostname.endsWith(".")) {
    throw new EgressError("invalid_url", "A URL has neither a user nor a trailing dot in its host.");
  }
  return url;
}

function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = "", prefix] = range.split("/");
    list.addSubnet(network, Number(prefix), isIP(network) === 6 ? "ipv6" : "ipv4");
  }
  return list;
}
