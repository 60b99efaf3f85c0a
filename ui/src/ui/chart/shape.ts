/** What a chart is given. It knows lines, bands and marks, and not what they are about. */

export type Values = readonly (number | null)[];

/** How a line is drawn; the look is the meaning, on every chart the same. */
export type LineLook = "used" | "requested" | "allocatable" | "threshold" | "other";

export interface ChartLine {
  key: string;
  label: string;
  look: LineLook;
  avg: Values;
  /** Least and most within each step, where a step holds more than one value. */
  min?: Values | undefined;
  max?: Values | undefined;
  /** Counts among `other` lines, so that each has its own stroke. */
  nth?: number;
}

/** A time in which nothing was heard. */
export interface ChartBand {
  from: number;
  until: number;
  label: string;
}

type MarkTone = "ok" | "warn" | "down" | "idle";

/** A change of state, as a triangle on the axis. */
export interface ChartMark {
  at: number;
  tone: MarkTone;
  label: string;
}

/** One unit for the whole axis. */
export interface ChartUnit {
  /** The word over the axis: GiB, cores, ms. */
  word: string;
  /** What one of it is, in the unit of the values. */
  size: number;
  /** Counted things have no halves. */
  whole?: boolean;
  /** Nothing can be more: the axis ends there. */
  most?: number;
  tick: (value: number) => string;
  value: (value: number | null | undefined) => string;
}

/** All moments are seconds since 1970. */
export interface ChartShape {
  from: number;
  to: number;
  step_seconds: number;
  at: readonly number[];
  lines: readonly ChartLine[];
  bands: readonly ChartBand[];
  marks: readonly ChartMark[];
  unit: ChartUnit;
  /** A tick of the time axis; `step_seconds` apart from the next one. */
  timeTick: (at: number, step_seconds: number) => string;
  /** The right end is the present, and moves. */
  live?: boolean;
}
