/**
 * The numbers behind a chart: ticks, ends, gaps, and where labels go.
 *
 * Promises: pure; use starts at zero; a gap stays a gap. Does not: draw.
 */
import type { ChartLine, ChartShape, Values } from "./shape";

const NICE = [1, 2, 2.5, 5, 10] as const;

/** Steps from the foot of an axis to its top, at most. */
const TICKS = 4;

/** Ticks from zero to at least `max`, round in the unit of the axis. */
export function valueTicks(
  max: number,
  { size = 1, whole = false }: { size?: number; whole?: boolean | undefined } = {},
): number[] {
  const top = Math.max(max / size, Number.MIN_VALUE);
  const power = 10 ** Math.floor(Math.log10(top / TICKS));
  const fits = NICE.map((it) => it * power).filter((it) => !whole || Number.isInteger(it));
  const step = fits.find((it) => it * TICKS >= top * 0.999_999) ?? Math.max(10 * power, 1);
  const count = Math.max(1, Math.ceil(top / step - 1e-6));
  return Array.from({ length: count + 1 }, (_, index) => index * step * size);
}

const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;
const TIME_STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((it) => it * MINUTE),
  ...[1, 2, 3, 6, 12].map((it) => it * HOUR),
  ...[1, 2, 7, 14].map((it) => it * DAY),
];
/** Months have no fixed length; this is how long one is taken for when steps are chosen. */
const MONTH = 30 * DAY;

/** How far apart the ticks of a time axis are, when there may be `most` of them. */
export function timeStep(span_seconds: number, most: number): number {
  const fits = (step: number) => span_seconds / step <= most;
  const months = [1, 2, 3, 6, 12].map((it) => it * MONTH);
  return TIME_STEPS.find(fits) ?? months.find(fits) ?? 24 * MONTH;
}

/** Ticks on round hours, days or months of the reader's own clock. */
export function timeTicks(from: number, to: number, step_seconds: number): number[] {
  const start = new Date(from * 1_000);
  const [year, month, day] = [start.getFullYear(), start.getMonth(), start.getDate()];
  const at = (index: number) =>
    (step_seconds >= MONTH
      ? new Date(year, month + index * Math.round(step_seconds / MONTH), 1)
      : step_seconds >= DAY
        ? new Date(year, month, day + index * Math.round(step_seconds / DAY))
        : new Date(year, month, day, 0, 0, index * step_seconds)
    ).getTime() / 1_000;
  const ticks: number[] = [];
  // The bound is far beyond what fits; it only ends a loop that clocks could make endless.
  for (let index = 0; index < 5_000; index++) {
    const tick = at(index);
    if (tick > to) break;
    if (tick >= from && tick !== ticks.at(-1)) ticks.push(tick);
  }
  return ticks;
}

/** The highest value that is drawn. */
export function highest(lines: readonly ChartLine[]): number {
  let high = 0;
  for (const { avg, max } of lines)
    for (const values of [avg, max ?? []]) for (const it of values) if (it !== null && it > high) high = it;
  return high;
}

/** The top of the value axis: a little over the highest, so that a line never lies on the frame. */
export function axisTop(shape: Pick<ChartShape, "lines" | "unit">): number[] {
  const { most } = shape.unit;
  if (most !== undefined) return valueTicks(most, shape.unit);
  const high = highest(shape.lines);
  return valueTicks(high > 0 ? high * 1.04 : shape.unit.size, shape.unit);
}

/** Places of values that stand alone between two gaps: no line leads to them, so they get a point. */
export function isolated(values: Values): number[] {
  const found: number[] = [];
  values.forEach((it, index) => {
    if (it !== null && (values[index - 1] ?? null) === null && (values[index + 1] ?? null) === null)
      found.push(index);
  });
  return found;
}

/** Runs of values without a gap, as first and last place. */
export function stretches(values: Values): [first: number, last: number][] {
  const runs: [number, number][] = [];
  let first: number | null = null;
  values.forEach((it, index) => {
    if (it !== null) first ??= index;
    if (it === null && first !== null) {
      runs.push([first, index - 1]);
      first = null;
    }
  });
  if (first !== null) runs.push([first, values.length - 1]);
  return runs;
}

/** Moves labels apart until `gap` lies between any two; their order stays, and so does the room. */
export function spread(wanted: readonly number[], gap: number, low: number, high: number): number[] {
  const order = wanted.map((at, index) => ({ at, index })).sort((a, b) => a.at - b.at);
  let before = low - gap;
  for (const it of order) {
    it.at = Math.max(it.at, before + gap);
    before = it.at;
  }
  let after = high + gap;
  for (const it of order.reverse()) {
    it.at = Math.min(it.at, after - gap);
    after = it.at;
  }
  const placed = new Array<number>(wanted.length).fill(0);
  for (const { at, index } of order) placed[index] = at;
  return placed;
}

export interface Span {
  least: number;
  most: number;
  mean: number;
  last: number | null;
  /** How many of all steps have a value. */
  known: number;
}

/** Least, most, mean and last of a line; nothing when it has no values. */
export function spanOf({ avg, min, max }: Pick<ChartLine, "avg" | "min" | "max">): Span | null {
  let [least, most, sum, known] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0];
  avg.forEach((it, index) => {
    if (it === null) return;
    least = Math.min(least, min?.[index] ?? it);
    most = Math.max(most, max?.[index] ?? it);
    sum += it;
    known += 1;
  });
  if (known === 0) return null;
  return { least, most, mean: sum / known, last: avg.findLast((it) => it !== null) ?? null, known };
}

/** The place of the last step that has a value. */
export function lastKnown(values: Values): number | null {
  const at = values.findLastIndex((it) => it !== null);
  return at < 0 ? null : at;
}

/** The place of the moment nearest to `moment` on an even grid. */
export function nearest(at: readonly number[], moment: number): number | null {
  if (at.length === 0) return null;
  let [low, high] = [0, at.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((at[middle] ?? 0) < moment) low = middle + 1;
    else high = middle;
  }
  const before = Math.max(0, low - 1);
  return Math.abs((at[before] ?? 0) - moment) <= Math.abs((at[low] ?? 0) - moment) ? before : low;
}

/** Letters that fit beside the right end of a chart. */
const LABEL_LETTERS = 13;

/** A label cut to its end: names of nodes begin alike and differ where they end. */
export function labelCut(label: string): string {
  return label.length > LABEL_LETTERS ? `…${label.slice(1 - LABEL_LETTERS)}` : label;
}

/** Every `n`th step such that at most `most` rows stay; each keeps the worst of those it stands for. */
export function rowsOf(count: number, most: number): number[] {
  const every = Math.max(1, Math.ceil(count / most));
  const rows: number[] = [];
  for (let index = count - 1; index >= 0; index -= every) rows.push(index);
  return rows;
}
