/**
 * Makes what a hub emits comparable from run to run. Addresses and snowflakes become names in the order in which they
 * appear, so that two places which must hold the same one still show that they do; times, keys and proofs become
 * words, since two of them may be equal by chance.
 */
export function golden(value: unknown, hosts: Record<string, string>): string {
  let text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  for (const [host, name] of Object.entries(hosts))
    text = text.replaceAll(`http://${host}`, `https://${name}`).replaceAll(host, name);
  const ids = new Map<string, string>();
  text = text.replace(/\b\d{15,19}\b/g, (id) => {
    if (!ids.has(id)) ids.set(id, `<id ${ids.size + 1}>`);
    return ids.get(id)!;
  });
  text = text
    .replace(/\b20[0-8]\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z/g, "<time>")
    .replace(/(?<="created": ")20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, "<time in whole seconds>")
    .replace(/zQm[1-9A-HJ-NP-Za-km-z]{44}/g, "<digest>")
    .replace(/z6Mk[1-9A-HJ-NP-Za-km-z]{44}/g, "<ed25519>")
    .replace(/-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----\\n/g, "<rsa>")
    .replace(/(?<="proofValue": ")z[1-9A-HJ-NP-Za-km-z]{80,90}/g, "<proof>");
  return `${text}\n`;
}
