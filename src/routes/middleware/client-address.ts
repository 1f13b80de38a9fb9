import type { IncomingMessage } from "node:http";
import { BlockList, isIP, isIPv6 } from "node:net";

/** Addresses and CIDR ranges as a set that can be asked. */
export function addresses(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = "", prefix] = range.split("/");
    const family = familyOf(address);
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return list;
}

/**
 * Who asks, as far as attempts are counted: the nearest address that is not a trusted proxy's (what a stranger writes into
 * X-Forwarded-For stands further left). Of IPv6 the first 64 bits: so much is given to one customer, who could otherwise guess
 * from a new address each time.
 */
export function clientAddress(
  { socket, headers }: Pick<IncomingMessage, "headers"> & { socket: { remoteAddress?: string | undefined } },
  trusted: BlockList,
): string {
  let address = socket.remoteAddress ?? "unknown";
  const hops = [headers["x-forwarded-for"] ?? []].flat().join().split(",");
  while (isIP(address) !== 0 && trusted.check(address, familyOf(address))) {
    const next = hops.pop()?.trim() ?? "";
    if (isIP(next) === 0) break;
    address = next;
  }
  return isIPv6(address) ? network(address) : address;
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIPv6(address) ? "ipv6" : "ipv4";
}

/** `2001:db8:1:2`: the first 64 bits of an IPv6 address. One that stands for an IPv4 address is that address. */
function network(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [head = "", tail] = address.split("::");
  const groups = head.split(":").filter((group) => group !== "");
  const behind = tail === undefined ? 0 : tail.split(":").filter((group) => group !== "").length;
  const zeros = tail === undefined ? 0 : Math.max(0, 4 - groups.length);
  // Where the gap is short, groups behind it still belong to the first four.
  const skipped = Math.max(0, 8 - groups.length - behind);
  const first = [...groups, ...Array<string>(Math.min(zeros, skipped)).fill("0"), ...(tail ?? "").split(":")];
  return first
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":");
}
