/** So many bytes cost no more than any other request: whoever sends them is heard. */
const SMALL = 65_536;
/** Bytes of large bodies that may turn out to be nobody's within a minute, of one address and of all. */
const PER_ADDRESS = 12_000_000;
const IN_ALL = 48_000_000;
const MINUTE = 60_000;
/** For so long an address is believed to be a peer's: larger envelopes of it are always read. */
const TRUSTED = 3_600_000;
const MAX_ADDRESSES = 10_000;

/** What strangers may cost at the door of clearing: a body is only known to be a peer's when all of it was read and hashed. */
export interface Strangers {
  /**
   * Asked before a body is read.
   *
   * @param size by its header; null where that says nothing
   * @returns what is called when the body was a peer's; null: it is not to be read now
   */
  admit(address: string, size: number | null): (() => void) | null;
}

/** @param now milliseconds of a clock that does not jump */
export function createStrangers(now: () => number = () => performance.now()): Strangers {
  const peers = new Map<string, number>();
  let spent = new Map<string, number>();
  let all = 0;
  let began = now();

  function prove(address: string): void {
    peers.delete(address);
    peers.set(address, now());
    for (const oldest of peers.keys()) {
      if (peers.size <= MAX_ADDRESSES) break;
      peers.delete(oldest);
    }
  }

  return {
    admit(address, size) {
      const time = now();
      if (time - began >= MINUTE) [spent, all, began] = [new Map(), 0, time];
      if (size !== null && size <= SMALL) return () => prove(address);
      if (time - (peers.get(address) ?? Number.NEGATIVE_INFINITY) < TRUSTED) return () => prove(address);
      const cost = size ?? SMALL * 4;
      const own = (spent.get(address) ?? 0) + cost;
      if (own > PER_ADDRESS || all + cost > IN_ALL) return null;
      spent.set(address, own);
      all += cost;
      const minute = began;
      return () => {
        prove(address);
        if (minute !== began) return;
        spent.set(address, (spent.get(address) ?? cost) - cost);
        all -= cost;
      };
    },
  };
}
