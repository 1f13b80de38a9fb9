// Kills a hub in the middle of a payment between two hubs, twice, and shows that nothing is lost and nothing is made.
//
//   npm run demo                 # in another terminal: two hubs, each a process with a ledger of its own
//   node examples/crash.mjs      # or: node examples/crash.mjs DIRECTORY, where the demo's data is elsewhere
//
// An organization of the first hub buys an hour of work of one of the second. The first time the payer's hub is killed (SIGKILL) when
// both have agreed and nothing is promised; the second time the payee's, when the payer's has paid and the payee's knows nothing of
// it. The demo starts a hub that ended again after some seconds. Needs Node 20 or later, and nothing else.
import { execFile } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const DIRECTORY = process.argv[2] ?? "demo-data";
const ROOT = join(import.meta.dirname, "..");
/** The hub's own programs need the Node that `npm run demo` has fetched. */
const FETCHED = join(ROOT, "node_modules", ".bin", "node");
const NODE = existsSync(FETCHED) ? FETCHED : process.execPath;
/** After this something is wrong (ms). */
const PATIENCE = 180_000;
const started = Date.now();

const say = (text) =>
  console.log(`${`${((Date.now() - started) / 1000).toFixed(1)} s`.padStart(7)}  ${text}`);

/** The hubs as the demo keeps them: key, name, origin, dataDir, pid. */
async function hubs() {
  return (await demo()).hubs;
}

async function demo() {
  const file = join(DIRECTORY, "demo.json");
  const text = await readFile(file, "utf8").catch(() => {
    throw new Error(`There is no ${file}. Start the demo first, in another terminal: npm run demo`);
  });
  return JSON.parse(text);
}

/** Runs the command `ayni` on a hub's data. */
async function ayni({ dataDir, origin }, ...args) {
  const env = {
    ...process.env,
    AYNI_DATA_DIR: dataDir,
    AYNI_ORIGIN: origin,
    DATABASE_URL: "",
    AYNI_SECRET: "",
  };
  const { stdout } = await promisify(execFile)(NODE, [join(ROOT, "dist", "main.js"), ...args], { env });
  return stdout.trim();
}

/** An organization that acts by the API of its hub. */
async function organization(hub, account, handle) {
  const scopes = "exchange:read exchange:write ledger:read";
  const token = await ayni(hub, "token", "create", "--account", account, "--as", handle, "--scopes", scopes);
  async function call(method, path, body) {
    const headers = { authorization: `Bearer ${token}` };
    if (method !== "GET")
      Object.assign(headers, { "content-type": "application/json", "idempotency-key": randomUUID() });
    const payload = method === "GET" ? undefined : JSON.stringify(body ?? {});
    const answer = await fetch(`${hub.origin}/api/ayni/v1${path}`, { method, headers, body: payload });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${hub.origin}${path} was answered ${answer.status}: ${text}`);
    return text === "" ? null : JSON.parse(text);
  }
  const { currency } = await call("GET", "/policy");
  const shown = ({ value }) =>
    `${(Number(value) / 10 ** currency.scale).toFixed(currency.scale)} ${currency.symbol}`;
  return {
    ...{ hub, account, handle, call, shown, currency },
    async balance() {
      const { posted, held } = await call("GET", "/ledger");
      return { posted: BigInt(posted.value), held: BigInt(held.value) };
    },
    balanceShown: async () => {
      const { posted, held } = await call("GET", "/ledger");
      return `${handle} has ${shown(posted)}, and ${shown(held)} are held`;
    },
    async agreement(id) {
      return call("GET", `/agreements/${id}`);
    },
    close() {
      // The token's name: the beginning of its hash.
      const id = createHash("sha256").update(token).digest("hex").slice(0, 12);
      return ayni(hub, "token", "revoke", id, "--account", account);
    },
  };
}

/** Asks again and again until there is an answer that fits; a hub that is away does not answer. */
async function until(what, ask) {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const answer = await ask().catch(() => null);
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`It was waited in vain for this: ${what}`);
    await sleep(200);
  }
}

const ready = (origin) => fetch(`${origin}/readyz`).then(({ ok }) => ok);

/** Ends a hub's process at once, as a power cut would, and waits until it is gone. */
async function kill({ key, origin }) {
  const { pid, name } = (await hubs()).find((hub) => hub.key === key);
  const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  if (!command.includes(`demo\0hub\0${key}`)) throw new Error(`Process ${pid} is not the hub ${name}.`);
  process.kill(pid, "SIGKILL");
  await until("it is gone", async () => !(await ready(origin).catch(() => false)));
  say(`☠ ${name} is killed (SIGKILL to its process ${pid}).`);
}

/** Waits until the demo has started it again. */
async function back({ name, origin }) {
  await until(`${name} is back`, () => ready(origin));
  say(
    `↑ ${name} is started again. It shakes hands with the other hub: who has what of whose log, and what is open.`,
  );
}

async function run() {
  const [lac, mena] = await hubs();
  for (const { name, origin } of [lac, mena])
    if (!(await ready(origin).catch(() => false)))
      throw new Error(`${name} is not up. Start the demo: npm run demo`);
  const [payer, payee] = await Promise.all([
    organization(lac, "ana", "raices"),
    organization(mena, "layla", "nour"),
  ]);
  try {
    await pay(payer, payee);
  } finally {
    await until("both hubs are up", async () => (await ready(lac.origin)) && (await ready(mena.origin)));
    await Promise.all([payer.close(), payee.close()]);
  }
  const checks = await Promise.all([lac, mena].map((hub) => ayni(hub, "ledger", "check")));
  for (const [index, text] of checks.entries())
    say(`ayni ledger check at ${[lac, mena][index].name}: ${text.split("\n")[0]}`);
}

async function pay(payer, payee) {
  const [here, there] = [payer.hub, payee.hub];
  const [before, earned] = [await payer.balance(), await payee.balance()];
  say(`Before: ${await payer.balanceShown()}; ${await payee.balanceShown()}.`);

  const word = `crash${randomUUID().slice(0, 8)}`;
  const proposal = await payee.call("POST", "/proposals", {
    ...{
      purpose: "offer",
      name: `A quarter of an hour ${word}`,
      content: "Published by examples/crash.mjs.",
    },
    ...{
      category: "training",
      unit: "one",
      available: 1,
      online: true,
      language: "en",
      settlement: "credit",
    },
    price: { value: String(2.5 * 10 ** payee.currency.scale), currency: payee.currency.id },
  });
  const found = await until("the copy of the offer", async () => {
    const [one] = await payer.call("GET", `/proposals?q=${word}&purpose=offer`);
    return one;
  });
  say(
    `${payee.handle} offers something at ${there.name} for ${payee.shown(found.price)}; ${here.name} has a copy of the offer.`,
  );
  const offered = await payer.call("POST", "/agreements", {
    ...{ proposal: found.id, revision: found.revision, quantity: 1 },
  });
  const mine = offered.id;
  say(
    `${payer.handle} would take it, for ${payer.shown(offered.payerAmount)}: so much is held at ${here.name}.`,
  );
  const theirs = await until("the answer arrives", async () => {
    const waiting = await payee.call("GET", "/agreements?group=waiting");
    return waiting.find((one) => one.proposal.id === proposal.id)?.id;
  });

  say("");
  say("1. The payer's hub is killed when both have agreed, before anything is promised");
  await kill(here);
  const accepted = await payee.call("POST", `/agreements/${theirs}/accept`);
  say(
    `${payee.handle} accepts meanwhile. At ${there.name} the agreement is “${accepted.state}”: agreed, and not promised yet.`,
  );
  say(`Nothing was made: ${await payee.balanceShown()}.`);
  await back(here);
  await reached(payer, mine, "funded");
  await reached(payee, theirs, "funded");
  say(`✓ The acceptance arrived, ${here.name} asked for the promise and got it: both hubs say “funded”.`);
  say(`  ${await payer.balanceShown()}. Nothing was lost.`);

  await payee.call("POST", `/agreements/${theirs}/deliver`, { note: "Done." });
  await reached(payer, mine, "delivered");
  say(`${payee.handle} says that the work is done, and ${payer.handle} has heard it.`);

  say("");
  say("2. The payee's hub is killed when the payer pays");
  await kill(there);
  const { state } = await payer.call("POST", `/agreements/${mine}/confirm`);
  say(
    `${payer.handle} confirms: “${state}”. The decision is written down at ${here.name}, and goes to nobody yet.`,
  );
  const paid = await until("it is paid", async () => {
    const { posted } = await payer.balance();
    return posted < before.posted ? await payer.balanceShown() : null;
  }).catch(() => payer.balanceShown());
  say(`${paid}. ${there.name} knows nothing of it: the entry is signed, kept, and sent again and again.`);
  const [page] = (await demo()).sights.peer;
  say(`What is on its way is on the page of the peer: ${here.origin}${page}`);
  await back(there);
  await reached(payee, theirs, "settled");
  await reached(payer, mine, "settled");
  say(`✓ ${there.name} asked for what it had missed, and has posted it once: both hubs say “settled”.`);

  say("");
  const [after, has] = [await payer.balance(), await payee.balance()];
  say(`After: ${await payer.balanceShown()}; ${await payee.balanceShown()}.`);
  const amount = BigInt(offered.payerAmount.value);
  const arrived = BigInt(offered.payeeAmount.value);
  const right =
    after.posted === before.posted - amount &&
    after.held === before.held &&
    has.posted === earned.posted + arrived;
  if (!right) throw new Error("The balances do not fit!");
  say(
    `✓ ${payer.shown(offered.payerAmount)} left here, ${payee.shown(offered.payeeAmount)} arrived there: the same quarter of an hour, once.`,
  );
  await payee.call("POST", `/proposals/${proposal.id}/withdraw`);
}

/** Waits until a hub says that the agreement is in this state. */
const reached = (one, id, state) =>
  until(`“${state}” at ${one.hub.name}`, async () => (await one.agreement(id)).state === state);

try {
  await run();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
