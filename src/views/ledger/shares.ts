import type { Flow } from "../../domain/ledger/queries.ts";

/** Small, medium, large, and what nobody verified. */
export type Size = Flow["sizeClass"];
const SIZES: readonly Size[] = ["S", "M", "L", "?"];

/** A quarter with what each size class received and gave in it. */
export interface Quarter {
  start: Date;
  flows: Record<Size, { received: bigint; given: bigint }>;
  /** What part small organizations received of all, 0 to 1; null when nobody received anything. */
  smallShare: number | null;
}

const SHOWN = 6;
/** Changes smaller than this are none: one workshop more or less. */
const NOTICED = 0.02;

/** The newest quarters in which something moved, oldest first. */
export function quartersOf(flows: readonly Flow[]): Quarter[] {
  const quarters = new Map<number, Quarter["flows"]>();
  for (const { quarter, sizeClass, received, given } of flows) {
    const time = quarter.getTime();
    const none = () => ({ received: 0n, given: 0n });
    const found = quarters.get(time) ?? { S: none(), M: none(), L: none(), "?": none() };
    found[sizeClass] = {
      received: found[sizeClass].received + received,
      given: found[sizeClass].given + given,
    };
    quarters.set(time, found);
  }
  return [...quarters]
    .sort(([a], [b]) => a - b)
    .slice(-SHOWN)
    .map(([time, flows]) => {
      const all = Number(SIZES.reduce((sum, size) => sum + flows[size].received, 0n));
      return {
        start: new Date(time),
        flows,
        smallShare: all === 0 ? null : Number(flows.S.received) / all,
      };
    });
}

/** How the newest share of small organizations stands to the one before; null when there are no two to compare. */
export function shareChange(quarters: readonly Quarter[]): {
  direction: "up" | "down" | "same";
  now: number;
  before: number;
  quarter: Quarter;
  last: Quarter;
} | null {
  const known = quarters.filter(
    (quarter): quarter is Quarter & { smallShare: number } => quarter.smallShare !== null,
  );
  const [last, quarter] = known.slice(-2);
  if (last === undefined || quarter === undefined) return null;
  const [before, now] = [last.smallShare, quarter.smallShare];
  const direction = Math.abs(now - before) < NOTICED ? "same" : now > before ? "up" : "down";
  return { direction, now, before, quarter, last };
}

/** The sizes there are anything to show of; the three that organizations are sorted into always. */
export function sizesOf(quarters: readonly Quarter[]): Size[] {
  return SIZES.filter(
    (size) =>
      size !== "?" || quarters.some(({ flows }) => flows[size].received > 0n || flows[size].given > 0n),
  );
}
