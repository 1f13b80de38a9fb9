import { lookup, Resolver } from "node:dns/promises";
import { setTimeout } from "node:timers/promises";
import { EgressError } from "./error.ts";

/** The addresses of a name. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

/**
 * Asks the name servers. Not `dns.lookup` alone, for getaddrinfo has two threads for the whole process, and hosts whose name
 * servers hang would hold up the deliveries to all others. It is asked when DNS knows nothing: for names in the
 * machine's own hosts file. IPv4 comes first: hosts with IPv6 that leads nowhere are common, the reverse is not.
 * @param resolver a new one each time, so that a change in resolv.conf is noticed; tests give their own
 * @throws EgressError `timeout`; and what getaddrinfo says of a name that does not exist
 */
export async function resolveName(
  hostname: string,
  resolver = new Resolver({ timeout: 1_500, tries: 2 }),
): Promise<string[]> {
  // RFC 6761, 6.3: not a question for name servers, which there may be none of.
  if (hostname === "localhost" || hostname.endsWith(".localhost")) return ["127.0.0.1", "::1"];
  const failures: unknown[] = [];
  const none = (error: { code?: unknown }) => {
    failures.push(error.code);
    return [];
  };
  const ipv6 = resolver.resolve6(hostname).catch(none);
  const ipv4 = await resolver.resolve4(hostname).catch(none);
  // Some name servers never answer about IPv6 (RFC 8305, section 3).
  const also = ipv4.length === 0 ? ipv6 : Promise.race([ipv6, setTimeout(250, [], { ref: false })]);
  const addresses = [...ipv4, ...(await also)];
  if (addresses.length > 0) return addresses;
  if (failures.includes("ETIMEOUT")) {
    throw new EgressError("timeout", `The name servers of ${hostname} do not answer.`);
  }
  return (await lookup(hostname, { all: true })).map(({ address }) => address);
}
