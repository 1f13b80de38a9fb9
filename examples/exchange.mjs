// Two organizations exchange by the JSON API: an offer, an agreement, delivery, confirmation, reviews; then a gift, and a delivery
// of which only a part is confirmed. Needs Node 20 or later, and nothing else.
//
// Against the demo:
//
//   npm run demo                                            # in another terminal; prints the hubs' addresses
//   export AYNI_DATA_DIR=demo-data/lac
//   scopes="exchange:read exchange:write ledger:read ledger:write"
//   A=$(npm run --silent ayni -- token create --account ana --as raices --scopes "$scopes")
//   B=$(npm run --silent ayni -- token create --account ana --as puentes --scopes "$scopes")
//   node examples/exchange.mjs http://localhost:3000 "$A" "$B"
//
// The first token is of the organization that does the work, the second of the one that receives it and pays. What the script does
// is done for real: agreements and postings stay in the ledger.
import { randomUUID } from "node:crypto";

const [hub, providerToken, receiverToken] = process.argv.slice(2);
if (receiverToken === undefined) {
  console.error("usage: node examples/exchange.mjs HUB TOKEN_OF_THE_PROVIDER TOKEN_OF_THE_RECEIVER");
  process.exit(2);
}
const API = `${hub.replace(/\/$/, "")}/api/ayni/v1`;

/** Asks the API as one organization. A write carries a key: sent again, it would not be done again. */
async function call(token, method, path, body, key = randomUUID()) {
  const headers = { authorization: `Bearer ${token}` };
  if (method !== "GET")
    Object.assign(headers, { "content-type": "application/json", "idempotency-key": key });
  const payload = method === "GET" ? undefined : JSON.stringify(body ?? {});
  const answer = await fetch(API + path, { method, headers, body: payload });
  const text = await answer.text();
  if (!answer.ok) {
    // RFC 9457: programs decide by `code`, people read `detail`.
    const { code, detail, field } = JSON.parse(text);
    const where = field === undefined ? "" : ` (${field})`;
    throw new Error(`${method} ${path} was answered ${answer.status}, ${code}${where}: ${detail}`);
  }
  return text === "" ? null : JSON.parse(text);
}

const provider = (method, path, body, key) => call(providerToken, method, path, body, key);
const receiver = (method, path, body, key) => call(receiverToken, method, path, body, key);

const { currency } = await call(providerToken, "GET", "/policy");
const unit = 10n ** BigInt(currency.scale);

/** So many credits as the API writes amounts: integer minor units, as text, with their currency. */
const credits = (count) => ({ value: String(BigInt(count) * unit), currency: currency.id });

/** Minor units as people read them: "-7.50 ₳". */
function shown({ value }) {
  const minor = BigInt(value);
  const digits = (minor < 0n ? -minor : minor).toString().padStart(currency.scale + 1, "0");
  const whole = digits.slice(0, digits.length - currency.scale);
  const rest = currency.scale === 0 ? "" : `.${digits.slice(-currency.scale)}`;
  return `${minor < 0n ? "-" : ""}${whole}${rest} ${currency.symbol}`;
}

/** Publishes an offer under a name that nothing else has, and finds it as somebody else would. */
async function publishAndFind(fields) {
  const word = `example${randomUUID().slice(0, 8)}`;
  const published = await provider("POST", "/proposals", {
    purpose: "offer",
    name: `Workshop ${word}`,
    content: "Published by the script examples/exchange.mjs.",
    category: "training",
    unit: "hour",
    available: 10,
    online: true,
    language: "en",
    ...fields,
  });
  const [found] = await receiver("GET", `/proposals?q=${word}&purpose=offer`);
  if (found?.id !== published.id) throw new Error("The search did not find what was published.");
  console.log(
    `${found.actor.name} offers “${found.name}”, ${found.price === null ? "as a gift" : `${shown(found.price)} an hour`}.`,
  );
  return found;
}

async function offerAndAccept(proposal, quantity) {
  const terms = { proposal: proposal.id, revision: proposal.revision, quantity, note: "For our volunteers." };
  const key = randomUUID();
  const offered = await receiver("POST", "/agreements", terms, key);
  // As after a lost connection: the same request with the same key is the same agreement.
  const again = await receiver("POST", "/agreements", terms, key);
  if (again.id !== offered.id) throw new Error("The same request made two agreements.");
  const price = offered.amount === null ? "nothing" : shown(offered.amount);
  console.log(`${offered.receiver.name} would take ${quantity} hours for ${price}.`);
  const { state } = await provider("POST", `/agreements/${offered.id}/accept`);
  console.log(`${offered.provider.name} accepts: the agreement is ${state}.`);
  return offered.id;
}

async function deliverAndConfirm(id, part) {
  await provider("POST", `/agreements/${id}/deliver`, { note: "Done." });
  console.log("The work is delivered.");
  const agreement = await receiver("POST", `/agreements/${id}/confirm`, part);
  const paid =
    agreement.settledAmount === null ? "nothing is paid" : `${shown(agreement.settledAmount)} are paid`;
  console.log(
    `It is confirmed, ${agreement.settledQuantity} of ${agreement.quantity} hours, and ${paid}: ${agreement.state}.`,
  );
}

try {
  console.log("1. An exchange for credits");
  const paid = await publishAndFind({ settlement: "credit", price: credits(1) });
  const first = await offerAndAccept(paid, 2);
  await receiver("POST", `/agreements/${first}/messages`, { content: "Would Tuesday at ten suit you?" });
  await deliverAndConfirm(first);
  const scores = { keptWord: 5, quality: 5, communication: 4, language: "en" };
  await receiver("POST", `/agreements/${first}/reviews`, {
    ...scores,
    content: "Well prepared, and on time.",
  });
  const { mine, theirs } = await provider("POST", `/agreements/${first}/reviews`, {
    ...scores,
    content: "A good audience.",
  });
  console.log(
    `Both have reviewed, so both reviews are ${mine.state}. About the provider: “${theirs.content}”`,
  );

  console.log("\n2. A gift");
  const gift = await publishAndFind({ settlement: "none" });
  await deliverAndConfirm(await offerAndAccept(gift, 1));

  console.log("\n3. A part is confirmed");
  const third = await offerAndAccept(paid, 3);
  await deliverAndConfirm(third, {
    quantity: 2,
    amount: credits(2),
    note: "The third hour did not take place.",
  });

  console.log("\nThe provider's statement, newest first");
  for (const line of await provider("GET", "/ledger/entries?limit=5")) {
    const who = line.counterparty?.name ?? "the solidarity fund";
    console.log(
      `  ${line.created.slice(0, 10)}  ${shown(line.amount)} with ${who}; balance ${shown(line.balance)}`,
    );
  }
  const { available, held } = await receiver("GET", "/ledger");
  console.log(`The receiver can still spend ${shown(available)}; ${shown(held)} are held.`);
  for (const { id } of [paid, gift]) await provider("POST", `/proposals/${id}/withdraw`);
} catch (error) {
  console.error(error.message);
  if (/insufficient_credit/.test(error.message))
    console.error(
      "The receiver has no credit line yet: on this hub a curator gives one by verifying the organization.",
    );
  process.exitCode = 1;
}
