import type { Child } from "hono/jsx";
import { dirOf } from "../../locales/index.ts";
import type { PageContext } from "./page.ts";

/** Charts are drawn for a phone's width and grow with their place. Units of the drawing, not pixels. */
const WIDTH = 360;

interface ChartProps {
  page: PageContext;
  /** What is to be seen, in a sentence: what a picture's text alternative would say. */
  caption: Child;
  /** Title of the table that has the same numbers. */
  tableTitle: string;
  /** The table itself. */
  table: Child;
}

/** A picture of numbers, with what it says in words above and the numbers themselves behind it. */
const Chart = ({ caption, tableTitle, table, children }: Omit<ChartProps, "page"> & { children?: Child }) => (
  <figure class="chart">
    <figcaption>{caption}</figcaption>
    {children}
    <details class="more">
      <summary>{tableTitle}</summary>
      {table}
    </details>
  </figure>
);

/** Where something lies along the line of reading: time runs as the text does. */
function across(page: PageContext): (x: number) => number {
  return dirOf(page.locale) === "rtl" ? (x) => round(WIDTH - x) : round;
}

const round = (x: number) => Math.round(x * 10) / 10;

export interface Point {
  at: Date;
  value: bigint;
}

/** As many points at most, so that a table of them can be read: the last of each stretch of time. */
export function thinned(points: readonly Point[], most: number): Point[] {
  const stretch = points.length / most;
  return stretch <= 1
    ? [...points]
    : Array.from({ length: most }, (_, index) => points[Math.ceil((index + 1) * stretch) - 1]).filter(
        (point) => point !== undefined,
      );
}

const LINE = { start: 4, end: WIDTH - 4, top: 20, bottom: 120, height: 156 };
/** Texts closer than this lie upon each other. */
const TEXT = 13;

/**
 * An amount over time, as steps: it stays what it is until it changes.
 *
 * @param points oldest first, at least one
 * @param until the right edge: now
 * @param valueText an amount as it is written beside its line
 * @param dayText a day as it is written under the axis
 */
export const StepChart = ({
  page,
  points,
  until,
  valueText,
  dayText,
  ...chart
}: ChartProps & {
  points: readonly Point[];
  until: Date;
  valueText: (value: bigint) => string;
  dayText: (day: Date) => string;
}) => {
  const first = points[0];
  if (first === undefined) return null;
  const values = points.map(({ value }) => Number(value));
  const highest = Math.max(0, ...values);
  const lowest = Math.min(0, ...values);
  const from = first.at.getTime();
  const span = Math.max(until.getTime() - from, 1);
  const place = across(page);
  const x = (at: Date) => place(LINE.start + ((at.getTime() - from) / span) * (LINE.end - LINE.start));
  const y = (value: number) =>
    round(LINE.bottom - ((value - lowest) / (highest - lowest || 1)) * (LINE.bottom - LINE.top));
  const steps = points.map(({ at, value }, index) =>
    index === 0 ? `M${x(at)} ${y(Number(value))}` : `H${x(at)}V${y(Number(value))}`,
  );
  const line = `${steps.join("")}H${x(until)}`;
  const lines = [...new Set([highest, 0, lowest])];
  return (
    <Chart {...chart}>
      <svg viewBox={`0 0 ${WIDTH} ${LINE.height}`} aria-hidden="true" focusable="false">
        <path class="chart-area" d={`${line}V${y(0)}H${x(first.at)}Z`} />
        {lines.map((value) => (
          <path
            class={value === 0 ? "chart-zero" : "chart-grid"}
            d={`M${LINE.start} ${y(value)}H${LINE.end}`}
          />
        ))}
        <path class="chart-line" d={line} />
        <circle class="chart-dot" cx={x(until)} cy={y(values.at(-1) ?? 0)} r="4" />
        {lines
          .filter((value) => value !== 0 || highest === 0 || y(0) - y(highest) > TEXT)
          .map((value) => (
            <text
              x={place(LINE.start)}
              y={value === lowest && lowest < 0 ? y(value) + 13 : y(value) - 4}
              text-anchor={anchor(page, "start")}
            >
              {valueText(BigInt(value))}
            </text>
          ))}
        <text x={place(LINE.start)} y={LINE.height - 4} text-anchor={anchor(page, "start")}>
          {words(page, dayText(first.at))}
        </text>
        <text x={place(LINE.end)} y={LINE.height - 4} text-anchor={anchor(page, "end")}>
          {words(page, dayText(until))}
        </text>
      </svg>
    </Chart>
  );
};

/** Drawings run from left to right in themselves: in Arabic the start is their end. */
function anchor(page: PageContext, side: "start" | "end"): "start" | "end" {
  return (dirOf(page.locale) === "rtl") === (side === "start") ? "end" : "start";
}

/** Words keep the page's direction in a drawing that has another (Unicode's isolates). */
function words(page: PageContext, text: string): string {
  return dirOf(page.locale) === "rtl" ? `\u2067${text}\u2069` : text;
}

/** What came in and what went out, one bar up and one down for each of the times. */
export interface BarPanel {
  title: string;
  bars: readonly { up: bigint; down: bigint }[];
}

const PANEL = { title: 20, half: 34, gap: 12 };
const PANEL_HEIGHT = PANEL.title + 2 * PANEL.half + PANEL.gap;

/**
 * Panels one under the other on the same scale and over the same times, so that one can compare their bars.
 *
 * @param times names of the times, oldest first; each panel has one bar up and one down for each
 * @param legend what a bar up and a bar down stand for
 */
export const BarChart = ({
  page,
  times,
  panels,
  legend,
  ...chart
}: ChartProps & {
  times: readonly string[];
  panels: readonly BarPanel[];
  legend: { up: string; down: string };
}) => {
  const most = Math.max(
    1,
    ...panels.flatMap(({ bars }) => bars.flatMap(({ up, down }) => [Number(up), Number(down)])),
  );
  const place = across(page);
  const slot = (WIDTH - 8) / Math.max(times.length, 1);
  const bar = Math.min(slot * 0.55, 40);
  const middle = (index: number) => place(4 + slot * (index + 0.5));
  const height = (value: bigint) =>
    value === 0n ? 0 : Math.max(round((Number(value) / most) * PANEL.half), 1.5);
  const bottom = panels.length * PANEL_HEIGHT;
  return (
    <Chart
      {...chart}
      caption={
        <>
          {chart.caption}
          <span class="legend">
            <span>
              <span class="swatch swatch-up" />
              {legend.up}
            </span>
            <span>
              <span class="swatch swatch-down" />
              {legend.down}
            </span>
          </span>
        </>
      }
    >
      <svg viewBox={`0 0 ${WIDTH} ${bottom + 14}`} aria-hidden="true" focusable="false">
        {panels.map(({ title, bars }, row) => {
          const zero = row * PANEL_HEIGHT + PANEL.title + PANEL.half;
          return (
            <>
              <text
                class="chart-title"
                x={place(4)}
                y={row * PANEL_HEIGHT + 13}
                text-anchor={anchor(page, "start")}
              >
                {words(page, title)}
              </text>
              {bars.map(({ up, down }, index) => (
                <>
                  <rect
                    class="chart-up"
                    x={round(middle(index) - bar / 2)}
                    y={round(zero - height(up))}
                    width={round(bar)}
                    height={height(up)}
                  />
                  <rect
                    class="chart-down"
                    x={round(middle(index) - bar / 2)}
                    y={zero}
                    width={round(bar)}
                    height={height(down)}
                  />
                </>
              ))}
              <path class="chart-zero" d={`M4 ${zero}H${WIDTH - 4}`} />
            </>
          );
        })}
        {times.map((time, index) => (
          <text x={middle(index)} y={bottom + 10} text-anchor="middle">
            {words(page, time)}
          </text>
        ))}
      </svg>
    </Chart>
  );
};
