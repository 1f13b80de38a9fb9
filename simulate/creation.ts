// The world before anything happens: how many hubs there are, and how much will go wrong, as the seed has it.
import { start } from "./hub.ts";
import { createRandom, type Random } from "./random.ts";
import type { Rules } from "./rules.ts";
import { DAY, type Faults, type Hub, type World } from "./world.ts";

/** From this seed on, hubs lose data again and again, and what was said in a past that nobody remembers comes again. */
export const FORGETFUL = 1_000_000_000;
/** What a hub remembers of refusals in a day of such a world, and where there is enough of it. */
export const ROOM = 3;
export const PLENTY = 1_000_000;

export interface Options {
  /** How many hubs; by default it depends on the seed: 2, 3 or 4. */
  hubs?: number | undefined;
  trace?: ((line: string) => void) | null;
}

/** Hubs that have just begun to talk to one another. */
export function createWorld(seed: number, rules: Rules, { hubs, trace }: Options): World {
  const random = createRandom(seed);
  const count = hubs ?? random.pick([2, 2, 2, 2, 3, 3, 4])!;
  const forgetful = seed >= FORGETFUL;
  const malice = random.chance(forgetful ? 0.1 : 0.3) ? 0.08 : 0;
  const world: World = {
    ...{
      seed,
      rules,
      random,
      now: 1000 * DAY,
      hubs: [],
      flights: [],
      echoes: [],
      cut: new Set(),
      peaks: new Map(),
    },
    ...{ healed: false, counter: 0, trace: trace ?? null },
    faults: { ...(forgetful ? chooseLosses(random) : chooseFaults(random)), malice },
    counts: {
      ...{
        steps: 0,
        messages: 0,
        settlements: 0,
        partial: 0,
        aborted: 0,
        refused: 0,
        crashes: 0,
        restores: 0,
      },
      ...{ recovered: 0, overdrafts: 0, frozen: 0, turnedAway: 0, forgeries: 0 },
    },
  };
  for (let number = 0; number < count; number++) world.hubs.push(createHub(world, number, count));
  if (malice > 0) world.hubs.at(-1)!.malicious = true;
  for (const hub of world.hubs) start(world, hub);
  world.trace?.(`seed ${seed}: ${count} hubs, ${JSON.stringify(world.faults)}`);
  return world;
}

function chooseFaults({ pick, chance }: Random): Omit<Faults, "malice"> {
  return {
    loss: pick([0, 0.05, 0.15, 0.3])!,
    duplication: pick([0, 0.05, 0.15])!,
    crashes: pick([0, 0.01, 0.02, 0.04])!,
    restores: pick([0, 0.3, 0.5, 0.8])!,
    backups: 0.03,
    echoes: 0,
    both: chance(0.1),
    partitions: pick([0, 0, 0.01])!,
    clocks: pick([0, 0, 0, 0.005])!,
    administration: pick([0, 0.01, 0.03])!,
    tampering: pick([0, 0, 0.02])!,
  };
}

/** A world in which what goes wrong is mostly that somebody forgets, and that old envelopes come late. */
function chooseLosses({ pick, chance }: Random): Omit<Faults, "malice"> {
  return {
    loss: pick([0, 0, 0.15])!,
    duplication: pick([0, 0.15])!,
    crashes: pick([0.01, 0.02, 0.04])!,
    restores: pick([0.8, 1])!,
    backups: pick([0.03, 0.1])!,
    echoes: pick([0.1, 0.3, 0.6])!,
    both: chance(0.1),
    partitions: 0,
    clocks: 0,
    administration: pick([0, 0.01, 0.03])!,
    tampering: 0,
  };
}

function createHub({ random, peaks, faults }: World, number: number, count: number): Hub {
  const origin = `https://h${number}.example`;
  const rate = {
    n: random.pick([1n, 60n, 100n, 1000n])! * BigInt(1 + random.below(7)),
    d: BigInt(1 + random.below(3)),
  };
  const links = Array.from({ length: count }, (_, peer) => {
    if (peer === number) return null;
    const limit = BigInt(4 + random.below(16)) * 1800n;
    peaks.set(`${number}>${peer}`, limit);
    const head = { seq: 0n, cumulative: 0n, digest: "" };
    const none = { epoch: 0n, nonce: "" };
    return {
      link: {
        ...{ peer: `https://h${peer}.example/actor`, state: "active" as const, limit, ready: false },
        ...{ session: none, peerSession: none, out: head, in: head, acked: head },
        ...{ prepared: 0n, preparedCount: 0, room: faults.echoes > 0 ? ROOM : PLENTY, resync: null },
      },
      ...{ outgoing: new Map(), incoming: new Map(), sent: [], received: [], checkpoint: null },
      ...{ evidence: [], inbox: [], due: 0, pinned: 1 },
    };
  });
  const balances = new Map<string, bigint>();
  return {
    ...{ number, origin, iri: `${origin}/actor`, backups: [], workers: [], down: 0, skew: 0 },
    ...{ slow: random.chance(0.1), malicious: false, lost: false, key: 1 },
    floor: -(10n * rate.n) / rate.d - 1n,
    store: {
      links,
      balances,
      holds: new Map(),
      journal: [],
      agreements: new Map(),
      rate,
      overdrawn: new Set(),
    },
  };
}
