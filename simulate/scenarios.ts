// Histories that are written down: so many things have to come together in them that seeds hardly ever lead there.

import { createWorld } from "./creation.ts";
import { crash, door, start, work } from "./hub.ts";
import type { Rules } from "./rules.ts";
import { judge, type Result } from "./run.ts";
import { backUp, confirm, consent, giveBack, reserve } from "./users.ts";
import { type Envelope, type Hub, SECOND, type World } from "./world.ts";

export interface Scenario {
  name: string;
  /** What happens, and what has to become of it. */
  what: string;
  /** Mutations that it shows. */
  shows: string[];
  play(stage: Stage): void;
}

/** Two hubs that are well, and somebody who says what happens next. */
interface Stage {
  a: Hub;
  b: Hub;
  /** The hubs say all that they have to say, and hear it. */
  talk(): void;
  /** One of them has its turn: what it posts arrives, and is read when the other one has its turn. */
  say(hub: Hub): void;
  /** The same, but what it posts is lost. */
  unheard(hub: Hub): void;
  /** The same, but what it posts is under way until it `arrive`s, if it does. */
  speak(hub: Hub): Envelope;
  arrive(envelope: Envelope): void;
  /** A transfer from `a` to `b` that both organizations consent to; returns its iri. */
  agree(): string;
  /** The payer confirms what is promised. */
  pay(): void;
  withdraw(iri: string): void;
  backUp(hub: Hub): void;
  /** The process ends, and another one begins; with `lose`, on the oldest backup. */
  restart(hub: Hub, lose?: "lose"): void;
}

/** Rounds in which everything is said that hubs without faults have to say. */
const TALK = 12;

/** Plays a scenario, lets everything come to its end, and checks what is checked in every history. */
export function play(scenario: Scenario, rules: Rules, trace: World["trace"] = null): Result {
  const world = createWorld(0, rules, { hubs: 2 });
  world.trace = trace;
  const none = { loss: 0, duplication: 0, crashes: 0, restores: 0, backups: 0, echoes: 0, both: false };
  world.faults = { ...none, partitions: 0, clocks: 0, administration: 0, malice: 0, tampering: 0 };
  for (const hub of world.hubs) {
    Object.assign(hub, { slow: false, malicious: false });
    for (const store of hub.store.links)
      if (store !== null) store.link = { ...store.link, limit: 100n * 3600n };
  }
  for (const name of world.peaks.keys()) world.peaks.set(name, 100n * 3600n);
  return judge(world, () => scenario.play(stageOf(world)));
}

function stageOf(world: World): Stage {
  const [a, b] = world.hubs as [Hub, Hub];
  const of = (hub: Hub) => hub.store.links[1 - hub.number]!;
  const next = (hub: Hub) => {
    world.now += 4 * SECOND;
    return work(world, hub, 1 - hub.number, hub.workers[0]!);
  };
  const arrive = (envelope: Envelope) => {
    const status = door(world, world.hubs[envelope.to]!, envelope);
    if (status !== 202) throw new Error(`turned away at the door: ${status}`);
  };
  const say = (hub: Hub) => {
    const envelope = next(hub);
    if (envelope !== null) arrive(envelope);
  };
  return {
    ...{ a, b, say, unheard: next, arrive, backUp },
    talk() {
      for (let round = 0; round < TALK; round++) {
        say(a);
        say(b);
      }
    },
    speak(hub) {
      const envelope = next(hub);
      if (envelope === null) throw new Error(`hub ${hub.number} has nothing to say`);
      return envelope;
    },
    agree() {
      reserve(world, a, b.number, of(a));
      consent(world, b.number, of(a));
      return [...of(a).outgoing.keys()].at(-1)!;
    },
    pay: () => confirm(world, of(a)),
    withdraw: (iri) => giveBack(a, of(a), iri),
    restart(hub, lose) {
      crash(world, hub, lose === undefined ? null : 0, world.now);
      start(world, hub);
    },
  };
}

export const SCENARIOS: Scenario[] = [
  {
    name: "void-promise",
    what: "The payee's hub forgets its promise, then the payer's hub that it gave the transfer back: what it was promised once is promised no more.",
    shows: ["void-promises-kept"],
    play({ a, b, talk, agree, pay, withdraw, backUp, restart }) {
      talk();
      const iri = agree();
      backUp(b);
      talk();
      backUp(a);
      withdraw(iri);
      talk();
      restart(b, "lose");
      talk();
      restart(a, "lose");
      talk();
      pay();
    },
  },
  {
    name: "late-session",
    what: "A session that its own hub has lost arrives after a newer one with a lower epoch: the hub has to hear that it is not listened to any more.",
    shows: ["stale-sessions-unanswered"],
    play({ a, talk, speak, arrive, agree, pay, backUp, restart }) {
      talk();
      backUp(a);
      restart(a);
      restart(a);
      const late = speak(a);
      restart(a, "lose");
      talk();
      arrive(late);
      agree();
      talk();
      pay();
    },
  },
  {
    name: "same-epoch",
    what: "A session that its own hub has lost arrives where the newer one of the same epoch was forgotten: both hubs have to get out of it.",
    shows: ["known-ignored-when-ready"],
    play({ a, b, talk, speak, arrive, agree, pay, backUp, restart }) {
      talk();
      backUp(a);
      backUp(b);
      restart(a);
      const late = speak(a);
      restart(a, "lose");
      talk();
      restart(b, "lose");
      arrive(late);
      agree();
      talk();
      pay();
    },
  },
  {
    name: "late-fork",
    what: "A session arrives that its own hub has lost, with a log that has gone on otherwise since: nobody is accused of it.",
    shows: ["late-fork-believed"],
    play({ a, talk, unheard, speak, arrive, agree, pay, backUp, restart }) {
      talk();
      backUp(a);
      agree();
      talk();
      pay();
      unheard(a);
      restart(a);
      restart(a);
      const late = speak(a);
      restart(a, "lose");
      talk();
      agree();
      talk();
      pay();
      talk();
      arrive(late);
      agree();
      talk();
      pay();
    },
  },
  {
    name: "two-of-one-epoch",
    what: "A promise arrives that was given under the same epoch, by a process whose data is lost: it says nothing.",
    shows: ["nonce-ignored"],
    play({ a, b, talk, say, unheard, speak, arrive, agree, pay, backUp, restart }) {
      talk();
      backUp(b);
      restart(b);
      talk();
      agree();
      say(a);
      const late = speak(b);
      restart(b, "lose");
      say(b);
      say(a);
      unheard(b);
      say(b);
      arrive(late);
      unheard(a);
      pay();
      talk();
    },
  },
];
