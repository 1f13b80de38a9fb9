import { createWorld, type Options, PLENTY, ROOM } from "./creation.ts";
import { openOf } from "./database.ts";
import { crash, door, show, start, work } from "./hub.ts";
import { checkJournal, checkRest, unrest } from "./invariants.ts";
import { lie } from "./malice.ts";
import type { Rules } from "./rules.ts";
import { act, administer, backUp, giveBack, pin } from "./users.ts";
import {
  type Counts,
  check,
  clockOf,
  copyOf,
  DAY,
  type Envelope,
  HOUR,
  type Hub,
  isHonest,
  isUp,
  SECOND,
  Violation,
  type World,
} from "./world.ts";

const STEPS = 400;
/** Rounds within which everything has to be at rest once faults are over, and hands be shaken with everybody. */
const ROUNDS = 120;
/** Envelopes that the network keeps for later, where it does. */
const ECHOES = 60;

export type Result = { counts: Counts; violation: string | null };

/** One history, all of which follows from the seed. */
export function simulate(seed: number, rules: Rules, options: Options = {}): Result {
  const world = createWorld(seed, rules, options);
  return judge(world, () => {
    for (let step = 0; step < STEPS; step++) oneStep(world);
  });
}

/** Lets something happen, and then everything come to its end. */
export function judge(world: World, happen: () => void): Result {
  try {
    happen();
    heal(world);
    return { counts: world.counts, violation: null };
  } catch (error) {
    const text =
      error instanceof Violation
        ? error.message
        : `the rules threw ${error instanceof Error ? error.stack : error}`;
    world.trace?.(text);
    return { counts: world.counts, violation: text };
  }
}

function oneStep(world: World): void {
  const { random, faults, hubs } = world;
  world.counts.steps++;
  world.now += random.below(6) * SECOND;
  const hub = random.pick(hubs)!;
  const peer = (hub.number + 1 + random.below(hubs.length - 1)) % hubs.length;
  if (random.chance(faults.clocks)) hub.skew = random.pick([0, -HOUR / 2, 2 * HOUR, -DAY, DAY])!;
  if (random.chance(faults.partitions)) toggle(world, `${hub.number}>${peer}`);
  if (random.chance(faults.backups)) backUp(hub);
  if (random.chance(faults.crashes)) disaster(world, hub);
  if (random.chance(faults.administration)) administer(world, hub, peer);
  if (random.chance(0.3)) deliver(world);
  if (random.chance(0.3)) deliver(world);
  if (faults.echoes > 0 && random.chance(0.2)) echo(world);
  if (faults.echoes > 0 && random.chance(0.03)) giveRoom(hub, ROOM);
  if (!isUp(world, hub)) return;
  // Whoever lies has been honest for a while: there is more to gain.
  if (hub.malicious && world.counts.steps > 60 && random.chance(faults.malice * hubs.length)) {
    world.counts.forgeries++;
    const forged = lie(world, hub, peer);
    if (forged !== null) post(world, forged);
  }
  if (random.chance(0.35)) act(world, hub, peer);
  else decide(world, hub, peer);
}

/** The deciding process has its turn; sometimes it does not get to the end of it. */
function decide(world: World, hub: Hub, peer: number): void {
  const { random, faults } = world;
  if (hub.workers.length === 0) start(world, hub);
  // Another process takes over, and this one may not have heard of it.
  else if (!world.healed && random.chance(faults.crashes / 2)) start(world, hub);
  const worker = random.pick(hub.workers)!;
  const fails = !world.healed && random.chance(faults.crashes) ? random.below(2) : null;
  const before = fails === 0 ? copyOf(hub.store) : null;
  const envelope = work(world, hub, peer, worker);
  // Before the commit: nothing of it ever was. After it, before the envelope is posted: nobody hears of it.
  if (before !== null) hub.store = before;
  if (fails !== null) crash(world, hub, null, world.now + random.below(20) * SECOND);
  else if (envelope !== null) post(world, envelope);
}

/** A machine breaks, and perhaps its disk: what there is then is some backup. */
function disaster(world: World, hub: Hub): void {
  const { random, faults, hubs } = world;
  // One after the other: whoever lost data has to have it back before another one loses some.
  const alone = hubs.every(
    (other) =>
      other === hub ||
      other.malicious ||
      (isUp(world, other) &&
        (other.store.links[hub.number]!.link.ready ||
          other.store.links[hub.number]!.link.state === "frozen")),
  );
  const loses = hub.backups.length > 0 && (alone || faults.both) && random.chance(faults.restores);
  crash(world, hub, loses ? random.below(hub.backups.length) : null, world.now + random.below(60) * SECOND);
}

function toggle({ cut }: World, direction: string): void {
  if (!cut.delete(direction)) cut.add(direction);
}

function post(world: World, envelope: Envelope): void {
  const { random, faults, flights, healed } = world;
  world.counts.messages += envelope.messages.length;
  world.trace?.(
    `hub ${envelope.from} posts to ${envelope.to} (session ${envelope.session.epoch}): ${envelope.messages.map(show).join(" ")}`,
  );
  if (!healed && random.chance(faults.loss)) return;
  flights.push(healed || !random.chance(faults.tampering) ? envelope : { ...envelope, intact: false });
  if (!healed && random.chance(faults.duplication)) flights.push(envelope);
  if (healed || faults.echoes === 0 || !random.chance(faults.echoes)) return;
  if (world.echoes.length < ECHOES) world.echoes.push(envelope);
  else world.echoes[random.below(ECHOES)] = envelope;
}

/** Something comes again that was said long ago, perhaps in a past that its sender lost. */
function echo({ random, flights, echoes }: World): void {
  if (echoes.length > 0) flights.push(...echoes.splice(random.below(echoes.length), 1));
}

/** Any of what is under way arrives: nothing is kept in order. */
function deliver(world: World): void {
  const { random, flights } = world;
  if (flights.length === 0) return;
  const at = random.below(flights.length);
  const envelope = flights[at]!;
  const to = world.hubs[envelope.to]!;
  if (!world.healed && to.slow && random.chance(0.6)) return;
  flights[at] = flights.at(-1)!;
  flights.pop();
  if (world.cut.has(`${envelope.from}>${envelope.to}`) || !isUp(world, to)) return;
  if (door(world, to, envelope) !== 202) world.counts.turnedAway++;
}

/** Another day: there is room again for what comes to nothing. */
function giveRoom(hub: Hub, room: number): void {
  for (const store of hub.store.links) if (store !== null) store.link = { ...store.link, room };
}

/** Faults are over: whatever was begun has to come to its end, in both books alike. */
function heal(world: World): void {
  world.healed = true;
  world.flights.push(...world.echoes.splice(0));
  world.cut.clear();
  for (const hub of world.hubs) {
    Object.assign(hub, { skew: 0, slow: false, down: 0 });
    hub.workers = hub.workers.slice(-1);
    giveRoom(hub, PLENTY);
    hub.store.links.forEach((store, peer) => {
      if (store === null) return;
      pin(world, hub, peer);
      if (store.link.state === "frozen" && store.evidence.length === 0)
        store.link = { ...store.link, state: "active" };
    });
  }
  const pairs = world.hubs.flatMap((a) =>
    world.hubs
      .filter((b) => a !== b && isHonest(world, a.number, b.number))
      .map((b) => [a, b.number] as const),
  );
  const restless = () =>
    pairs.map(([hub, peer]) => unrest(hub.store.links[peer]!)).find((found) => found !== null);
  // At least one: a machine that is off, with a backup of a quiet moment, looks like one at rest.
  for (let round = 0; round < ROUNDS && (round === 0 || restless() !== undefined); round++) {
    world.now += 4 * SECOND;
    for (const hub of world.hubs)
      for (const peer of hub.store.links.keys()) if (peer !== hub.number) finish(world, hub, peer, round);
    for (let left = world.flights.length; left > 0; left--) deliver(world);
    if (round === ROUNDS / 2)
      for (const [hub, peer] of pairs)
        check(
          hub.store.links[peer]!.link.ready,
          () => `L3: hub ${hub.number} has not shaken hands with ${peer}`,
        );
  }
  const open = pairs.find(([hub, peer]) => unrest(hub.store.links[peer]!) !== null);
  check(open === undefined, () => `L1: hub ${open?.[0].number} with ${open?.[1]}: ${restless()}`);
  for (const [hub, peer] of pairs) checkRest(world, hub.number, peer);
  for (const hub of world.hubs) checkJournal(hub);
}

function finish(world: World, hub: Hub, peer: number, round: number): void {
  const store = hub.store.links[peer]!;
  for (const row of round > 10 ? openOf(store).outgoing : []) {
    if (row.order !== null) continue;
    if (row.promise === null || row.terms === null) {
      if (round > 30) giveBack(hub, store, row.iri);
      continue;
    }
    const order = { type: "commit" as const, payer: row.terms.quote.payer, confirm: "auto" };
    store.outgoing.set(row.iri, { row: { ...row, order }, due: null, attempts: 0 });
  }
  decide(world, hub, peer);
  check(clockOf(world, hub) === world.now, () => "clocks are right");
}
