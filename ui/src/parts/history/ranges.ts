/**
 * Which time a chart shows: a named range that ends now, or a window somebody zoomed into.
 *
 * Promises: both live in the address, so that what is seen can be sent. Does not: choose how fine;
 * the server does.
 */
import type { HistoryWindow } from "../../api/queries";

const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;

/** Seconds. `live` is the last quarter of an hour, as it comes. */
export const RANGES = {
  live: 15 * MINUTE,
  "1h": HOUR,
  "6h": 6 * HOUR,
  "24h": DAY,
  "7d": 7 * DAY,
  "30d": 30 * DAY,
  "90d": 90 * DAY,
  "1y": 365 * DAY,
} as const;
export type Range = keyof typeof RANGES;
export const RANGE_NAMES = Object.keys(RANGES) as Range[];
export const USUAL_RANGE: Range = "24h";

export interface HistorySearch {
  range?: Range | undefined;
  /** A zoom, in seconds since 1970. */
  from?: number | undefined;
  until?: number | undefined;
}

/** What an address says of time; every key is in the answer, unknown ones as `undefined`. */
export function historySearchParse(search: Record<string, unknown>): HistorySearch {
  const moment = (value: unknown) => (typeof value === "number" && value > 0 ? Math.round(value) : undefined);
  const [from, until] = [moment(search.from), moment(search.until)];
  const isWindow = from !== undefined && until !== undefined && from < until;
  return {
    range: RANGE_NAMES.find((it) => it === search.range),
    from: isWindow ? from : undefined,
    until: isWindow ? until : undefined,
  };
}

export function windowOf({ range = USUAL_RANGE, from, until }: HistorySearch): HistoryWindow {
  return from !== undefined && until !== undefined
    ? { from, until }
    : { seconds: RANGES[range], live: range === "live" };
}

/** A zoom is never narrower than this: below it there is nothing to see. */
const LEAST_ZOOM = 2 * MINUTE;

/** The window that a drag asks for, widened to the least that is worth it. */
export function zoomOf(from: number, until: number): { from: number; until: number } {
  const missing = Math.max(0, LEAST_ZOOM - (until - from));
  return { from: Math.floor(from - missing / 2), until: Math.ceil(until + missing / 2) };
}
