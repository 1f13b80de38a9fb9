/** How the measures are taken. */
export interface Settings {
  /** Fewer operations and one repetition: to see whether something works, not how fast. */
  quick: boolean;
  repetitions: number;
  /** Directory for CPU profiles of the hub processes. */
  profiles: string | undefined;
}
