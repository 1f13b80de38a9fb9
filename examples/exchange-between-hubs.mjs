// Two organizations of two hubs exchange by the JSON API of their own hub each: one finds the other's offer in its own hub's list, both
// see what it costs in their own credits, and what is agreed, delivered and confirmed on one hub comes to be known on the other.
// Needs Node 20 or later, and nothing else.
//
// Against the demo:
//
//   npm run demo                                            # in another terminal; prints the hubs' addresses
//   scopes="exchange:read exchange:write ledger:read ledger:write"
//   A=$(AYNI_DATA_DIR=demo-data/mena npm run --silent ayni -- token create --account layla --as nour --scopes "$scopes")
//   B=$(AYNI_DATA_DIR=demo-data/lac npm run --silent ayni -- token create --account ana --as raices --scopes "$scopes")
//   node examples/exchange-between-hubs.mjs http://localhost:3100 "$A" http://localhost:3000 "$B"
//
// The first hub and token are of the organization that does the work, the second of the one that receives it and pays. What the script
// does is done for real: agreements and postings stay in both ledgers.
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";

const [providerHub, providerToken, receiverHub, receiverToken] = process.argv.slice(2);
if (receiverToken === undefined) {
  console.error(
    "usage: node examples/exchange-between-hubs.mjs HUB_OF_THE_PROVIDER ITS_TOKEN HUB_OF_THE_RECEIVER ITS_TOKEN",
  );
  process.exit(2);
}
/** How long something may take to get from one hub to the other. A hub that is down for longer is none of this script's business. */
const PATIENCE = 120_000;

/** The API of a hub, asked as one organization. A write carries a key: sent again, it would not be done again. */
async function connect(hub, token) {
  async function call(method, path, body, key = randomUUID()) {
    const headers = { authorization: `Bearer ${token}` };
    if (method !== "GET")
      Object.assign(headers, { "content-type": "application/json", "idempotency-key": key });
    const payload = method === "GET" ? undefined : JSON.stringify(body ?? {});
    const answer = await fetch(`${hub.replace(/\/$/, "")}/api/ayni/v1${path}`, {
      method,
      headers,
      body: payload,
    });
    const text = await answer.text();
    if (!answer.ok) {
      // RFC 9457: programs decide by `code`, people read `detail`.
      const { code, detail, field } = JSON.parse(text);
      const where = field === undefined ? "" : ` (${field})`;
      throw new Error(`${method} ${path} was answered ${answer.status}, ${code}${where}: ${detail}`);
    }
    return text === "" ? null : JSON.parse(text);
  }
  const { currency } = await call("GET", "/policy");
  return { call, currency };
}

/** Asks again until the answer is what is waited for. */
async function until(what, ask) {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const found = await ask();
    if (found) return found;
    if (Date.now() > end) throw new Error(`${what} did not happen in ${PATIENCE / 1000} seconds.`);
    await delay(200);
  }
}

/** Minor units as people read them, in the currency of one of the two hubs: "-7.50 ₳". */
function shown({ value, currency: id }) {
  const currency = currencies.get(id);
  const minor = BigInt(value);
  const digits = (minor < 0n ? -minor : minor).toString().padStart(currency.scale + 1, "0");
  const whole = digits.slice(0, digits.length - currency.scale);
  const rest = currency.scale === 0 ? "" : `.${digits.slice(-currency.scale)}`;
  return `${minor < 0n ? "-" : ""}${whole}${rest} ${currency.symbol}`;
}

const currencies = new Map();

async function exchange(provider, receiver) {
  for (const { currency } of [provider, receiver]) currencies.set(currency.id, currency);

  // Published on the one hub; found in the list of the other one, which keeps a copy.
  const word = `example${randomUUID().slice(0, 8)}`;
  const published = await provider.call("POST", "/proposals", {
    purpose: "offer",
    name: `Workshop ${word}`,
    content: "Published by the script examples/exchange-between-hubs.mjs.",
    category: "training",
    unit: "hour",
    available: 10,
    online: true,
    language: "en",
    settlement: "credit",
    price: {
      value: String(10n ** BigInt(provider.currency.scale)),
      currency: provider.currency.id,
    },
  });
  const found = await until("That the other hub has the offer", async () => {
    const [first] = await receiver.call("GET", `/proposals?q=${word}&purpose=offer`);
    return first;
  });
  console.log(`${found.actor.name} offers “${found.name}”, ${shown(published.price)} an hour.`);

  // Answered on the receiver's hub. What both pay and get is fixed with the offer.
  const terms = {
    proposal: found.id,
    revision: found.revision,
    quantity: 2,
    note: "For our volunteers.",
  };
  const key = randomUUID();
  const offered = await receiver.call("POST", "/agreements", terms, key);
  // As after a lost connection: the same request with the same key is the same agreement.
  const again = await receiver.call("POST", "/agreements", terms, key);
  if (again.id !== offered.id) throw new Error("The same request made two agreements.");
  const { payerAmount, payeeAmount, quote } = offered;
  console.log(
    `${offered.receiver.name} would take 2 hours: it pays ${shown(payerAmount)}, ${offered.provider.name} gets ${shown(payeeAmount)}.`,
  );
  console.log(`These amounts are fixed until ${quote.until.slice(0, 10)}.`);

  // Each side has the agreement under an id of its own hub; `iri` is the same on both once it has crossed.
  const waiting = await until("That the offer arrives", async () => {
    const list = await provider.call("GET", "/agreements?group=waiting");
    return list.find(({ proposal }) => proposal.id === published.id);
  });
  const mine = `/agreements/${waiting.id}`;
  const theirs = `/agreements/${offered.id}`;
  const both = (state) =>
    until(`That both hubs say “${state}”`, async () => {
      const [here, there] = await Promise.all([provider.call("GET", mine), receiver.call("GET", theirs)]);
      const other = ["cancelled", "rejected", "expired", "withdrawn"].find((end) => there.state === end);
      if (other !== undefined && other !== state) throw new Error(`The agreement was ${other}.`);
      return here.state === state && there.state === state;
    });
  await provider.call("POST", `${mine}/accept`);
  await both("funded");
  console.log(`${offered.provider.name} accepts, and its hub has promised the credits: funded on both.`);
  await provider.call("POST", `${mine}/deliver`, { note: "Done." });
  await both("delivered");
  console.log("The work is delivered: both know.");
  await receiver.call("POST", `${theirs}/confirm`);
  await both("settled");
  const paid = await receiver.call("GET", theirs);
  const got = await provider.call("GET", mine);
  console.log(
    `It is confirmed: ${shown(paid.settledAmount)} are paid, ${shown(got.settledAmount)} are received: settled on both.`,
  );

  // A review is sealed until the other one is there, too; then both hubs have both.
  const scores = { keptWord: 5, quality: 5, communication: 4, language: "en" };
  await receiver.call("POST", `${theirs}/reviews`, {
    ...scores,
    content: "Well prepared, and on time.",
  });
  await until("That the provider's hub knows of the review", async () => {
    const { theirs: other } = await provider.call("GET", `${mine}/reviews`);
    return other !== null;
  });
  await provider.call("POST", `${mine}/reviews`, { ...scores, content: "A good audience." });
  const [here, there] = await until("That both reviews are open", async () => {
    const found = await Promise.all([
      provider.call("GET", `${mine}/reviews`),
      receiver.call("GET", `${theirs}/reviews`),
    ]);
    return found.every(({ theirs: other }) => other?.state === "revealed") && found;
  });
  console.log(
    `Both have reviewed. About the provider: “${here.theirs.content}” About the receiver: “${there.theirs.content}”`,
  );

  for (const [title, { call }] of [
    ["The provider's statement", provider],
    ["The receiver's statement", receiver],
  ]) {
    const [line] = await call("GET", "/ledger/entries?limit=1");
    console.log(
      `${title}: ${shown(line.amount)} with ${line.counterparty.name}; balance ${shown(line.balance)}`,
    );
  }
  await provider.call("POST", `/proposals/${published.id}/withdraw`);
}

try {
  await exchange(await connect(providerHub, providerToken), await connect(receiverHub, receiverToken));
} catch (error) {
  console.error(error.message);
  if (/insufficient_credit|not_proven/.test(error.message))
    console.error(
      "At other hubs pays who is verified and has exchanged, or has two others that vouch for it, and has a credit line.",
    );
  if (/needs_peering/.test(error.message))
    console.error("The two hubs do not exchange yet: their administrators agree on /admin/peers.");
  process.exitCode = 1;
}
