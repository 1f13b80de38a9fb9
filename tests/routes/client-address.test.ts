import fc from "fast-check";
import { expect, test } from "vitest";
import { addresses, clientAddress } from "../../src/routes/middleware/client-address.ts";

const PROXIES = addresses(["10.0.0.0/8", "127.0.0.1", "fd00::/8"]);

function of(remoteAddress: string | undefined, forwarded?: string): string {
  const headers = forwarded === undefined ? {} : { "x-forwarded-for": forwarded };
  return clientAddress({ socket: { remoteAddress }, headers }, PROXIES);
}

test.each([
  ["a client without a proxy", "203.0.113.7", undefined, "203.0.113.7"],
  ["what a stranger claims of himself", "203.0.113.7", "198.51.100.1", "203.0.113.7"],
  ["behind a proxy", "10.1.2.3", "203.0.113.7", "203.0.113.7"],
  ["behind two, with a claim further left", "127.0.0.1", "1.1.1.1, 203.0.113.7, 10.9.9.9", "203.0.113.7"],
  ["a proxy on a socket of both families", "::ffff:10.1.2.3", "203.0.113.7", "203.0.113.7"],
  ["a proxy that says nothing", "10.1.2.3", undefined, "10.1.2.3"],
  ["a proxy that passes on nonsense", "10.1.2.3", "x".repeat(8000), "10.1.2.3"],
  ["a proxy that says it does not know", "10.1.2.3", "203.0.113.7, unknown", "10.1.2.3"],
  ["a customer's network", "10.1.2.3", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
  ["the same, from another of its addresses", "fd00::1", "2001:0DB8:0001:2::9", "2001:db8:1:2"],
  ["a short address", "2001:db8::1", undefined, "2001:db8:0:0"],
  ["a gap in the first half", "2001::1:2:3:4:5:6", undefined, "2001:0:1:2"],
  ["this machine", "::1", undefined, "0:0:0:0"],
  ["a socket that is gone", undefined, "203.0.113.7", "unknown"],
])("%s", (_, remote, forwarded, expected) => {
  expect(of(remote, forwarded)).toBe(expected);
});

test("addresses of one network are one client, however they are written", () => {
  fc.assert(
    fc.property(
      fc.ipV6().filter((address) => !address.includes(".")),
      fc.nat(0xffff),
      (address, last) => {
        const full = (text: string) => new URL(`http://[${text}]/`).hostname.slice(1, -1);
        // Nine groups at most: the last one is replaced where there is no gap at the end.
        const sibling = address.endsWith("::")
          ? `${address}${last.toString(16)}`
          : address.replace(/[^:]+$/, last.toString(16));
        fc.pre(URL.canParse(`http://[${sibling}]/`));
        expect(of(address)).toBe(of(full(address)));
        expect(of(sibling)).toBe(of(address));
      },
    ),
  );
});
