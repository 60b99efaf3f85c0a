/**
 * Numbers, sizes, moments and ages as people read them.
 *
 * Promises: one formula and one wording for each, on every page, in both languages; unknown is
 * "—". Does not: know what a number is about.
 */
import { useMemo } from "react";
import { type IntlShape, useIntl } from "react-intl";
import { type Text, type TextKey, textOf } from "./text";

const UNKNOWN = "—";
const KIB = 1_024;
const DAY_SECONDS = 86_400;
const BYTE_UNITS: readonly TextKey[] = ["unit.b", "unit.kib", "unit.mib", "unit.gib", "unit.tib", "unit.pib"];

export interface Format {
  count(value: number | null | undefined): string;
  /** A share of one: 0.58 → 58 %. */
  percent(share: number | null | undefined): string;
  /** A share of a thousand, to a tenth of a percent: 991 → 99.1 %. */
  permille(permille: number | null | undefined): string;
  cores(millicores: number | null | undefined): string;
  bytes(bytes: number | null | undefined): string;
  milliseconds(ms: number | null | undefined): string;
  /** Two units at most: 4 h 38 min. */
  duration(seconds: number): string;
  /** The hour when it is today, else the day too. */
  moment(at: string | null | undefined, now_ms: number): string;
  /** Day and hour to the second, for tooltips and the audit. */
  exactly(at: string): string;
  day(at: string): string;
  /** The word of a unit alone, for an axis: cores, GiB, ms. */
  unit(key: UnitKey): string;
  /** A plain number, with as many figures as count. */
  number(value: number): string;
  /** A tick of a time axis whose ticks are `step_seconds` apart; midnight says its day. */
  timeTick(at_seconds: number, step_seconds: number): string;
  /** One step of a history: as exact as its steps are long. */
  timeStep(at_seconds: number, step_seconds: number, now_ms: number): string;
}

export type UnitKey = Extract<TextKey, `unit.${string}`>;

type NumberOptions = NonNullable<Parameters<IntlShape["formatters"]["getNumberFormat"]>[1]>;

/** Three figures that count: 97.4, 477, 1,672. */
function figures(value: number): NumberOptions {
  return { maximumFractionDigits: Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2 };
}

export function formatOf(intl: IntlShape): Format {
  const t: Text = textOf(intl);

  // Kept ones: making a formatter costs more than drawing the row it is for.
  const number = (value: number, options?: NumberOptions) =>
    intl.formatters.getNumberFormat(intl.locale, options).format(value);
  const date = (ms: number, options: Intl.DateTimeFormatOptions) =>
    intl.formatters.getDateTimeFormat(intl.locale, options).format(ms);

  return {
    count: (value) => (value == null ? UNKNOWN : number(value)),
    percent: (share) =>
      share == null ? UNKNOWN : number(share, { style: "percent", maximumFractionDigits: 0 }),
    permille: (permille) =>
      permille == null ? UNKNOWN : number(permille / 1_000, { style: "percent", maximumFractionDigits: 1 }),
    cores: (millicores) => {
      if (millicores == null) return UNKNOWN;
      const value = millicores / 1_000;
      return t("unit.cores", { count: value, value: number(value, figures(value)) });
    },
    bytes: (bytes) => {
      if (bytes == null) return UNKNOWN;
      let unit = 0;
      let value = bytes;
      // 1,000 and not 1,024: "1,010 GiB" reads worse than "0.99 TiB".
      while (value >= 1_000 && unit < BYTE_UNITS.length - 1) {
        value /= KIB;
        unit += 1;
      }
      return t(BYTE_UNITS[unit] ?? "unit.b", { value: number(value, figures(value)) });
    },
    milliseconds: (ms) => {
      if (ms == null) return UNKNOWN;
      if (ms < 1) return t("unit.under_ms");
      return ms < 1_000
        ? t("unit.ms", { value: number(Math.round(ms)) })
        : t("unit.s", { value: number(ms / 1_000, { maximumFractionDigits: 1 }) });
    },
    duration: (seconds) => {
      const s = Math.max(0, Math.round(seconds));
      if (s < 60) return t("duration.seconds", { s });
      const minutes = Math.floor(s / 60);
      if (minutes < 60) return t("duration.minutes", { m: minutes });
      const hours = Math.floor(minutes / 60);
      if (hours < 48) return t("duration.hours", { h: hours, m: String(minutes % 60).padStart(2, "0") });
      return t("duration.days", { d: Math.floor(hours / 24) });
    },
    moment: (at, now_ms) => {
      if (at == null) return UNKNOWN;
      const ms = Date.parse(at);
      const hour: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
      if (new Date(ms).toDateString() === new Date(now_ms).toDateString()) return date(ms, hour);
      const sameYear = new Date(ms).getFullYear() === new Date(now_ms).getFullYear();
      return date(ms, { day: "numeric", month: "short", ...(sameYear ? hour : { year: "numeric" }) });
    },
    exactly: (at) => date(Date.parse(at), { dateStyle: "medium", timeStyle: "medium" }),
    day: (at) => date(Date.parse(at), { dateStyle: "medium" }),
    unit: (key) => t(key, { count: 2, value: "" }).trim(),
    number: (value) => number(value, figures(value)),
    timeTick: (at_seconds, step_seconds) => {
      const ms = at_seconds * 1_000;
      const it = new Date(ms);
      if (step_seconds >= 28 * DAY_SECONDS)
        return it.getMonth() === 0 ? date(ms, { year: "numeric" }) : date(ms, { month: "short" });
      const isMidnight = it.getHours() === 0 && it.getMinutes() === 0;
      return step_seconds >= DAY_SECONDS || isMidnight
        ? date(ms, { day: "numeric", month: "short" })
        : date(ms, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    },
    timeStep: (at_seconds, step_seconds, now_ms) => {
      const ms = at_seconds * 1_000;
      const hour: Intl.DateTimeFormatOptions = {
        hour: "2-digit",
        minute: "2-digit",
        hourCycle: "h23",
        ...(step_seconds < 60 ? { second: "2-digit" } : {}),
      };
      if (step_seconds >= DAY_SECONDS) return date(ms, { day: "numeric", month: "short", year: "numeric" });
      if (new Date(ms).toDateString() === new Date(now_ms).toDateString()) return date(ms, hour);
      return date(ms, { day: "numeric", month: "short", ...hour });
    },
  };
}

export function useFormat(): Format {
  const intl = useIntl();
  return useMemo(() => formatOf(intl), [intl]);
}
