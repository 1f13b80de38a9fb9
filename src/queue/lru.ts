/** A map that forgets what was not used for the longest when it holds more than `entries` entries or `weight` in all. */
export class Lru<V extends { weight: number }> {
  readonly #map = new Map<string, V>();
  readonly #limits: { entries: number; weight: number };
  #weight = 0;

  constructor(limits: { entries: number; weight: number }) {
    this.#limits = limits;
  }

  get(key: string): V | undefined {
    const value = this.#map.get(key);
    if (value === undefined) return undefined;
    // A Map keeps the order of insertion: the first one is the one that was not used for the longest.
    this.#map.delete(key);
    this.#map.set(key, value);
    return value;
  }

  set(key: string, value: V): void {
    this.delete(key);
    this.#map.set(key, value);
    this.#weight += value.weight;
    for (const oldest of this.#map.keys()) {
      if (this.#map.size <= this.#limits.entries && this.#weight <= this.#limits.weight) break;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    const value = this.#map.get(key);
    if (value === undefined) return;
    this.#map.delete(key);
    this.#weight -= value.weight;
  }

  get size(): number {
    return this.#map.size;
  }
}
