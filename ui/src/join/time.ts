/**
 * Moments and lengths of time, as they are said to a participant.
 *
 * Promises: hours and minutes while there is plenty, seconds in the last five minutes; a moment on
 * another day says its day. Does not: read a clock.
 */
import type { Language } from "../i18n/language";
import type { Text, TextKey } from "./text";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** From here on the countdown is amber, then red. */
const SOON_MS = 15 * MINUTE_MS;
const LAST_MS = 5 * MINUTE_MS;

/** 14:02 today, "24 Nov, 14:02" on another day. */
export function momentWords(language: Language, at: string, now_ms: number): string {
  const ms = Date.parse(at);
  if (Number.isNaN(ms)) return "—";
  const isToday = new Date(ms).toDateString() === new Date(now_ms).toDateString();
  const options: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const day: Intl.DateTimeFormatOptions = isToday ? {} : { day: "numeric", month: "short" };
  return new Intl.DateTimeFormat(language, { ...day, ...options }).format(ms);
}

/** What is left, rounded so that it never promises too much. */
export function countdownWords(t: Text, left_ms: number): string {
  if (left_ms <= 0) return t("time.up");
  const days = Math.floor(left_ms / DAY_MS);
  if (days >= 2) return t("time.days", { count: days });
  const hours = Math.floor(left_ms / HOUR_MS);
  const minutes = Math.floor((left_ms % HOUR_MS) / MINUTE_MS);
  if (hours >= 1) return t("time.hours", { hours, minutes: String(minutes).padStart(2, "0") });
  if (left_ms >= LAST_MS) return t("time.minutes", { minutes });
  return lengthWords(t, left_ms);
}

/** A short length, to the second: 9 s, 1 min 05 s. */
export function lengthWords(t: Text, ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / SECOND_MS));
  if (seconds < 60) return t("time.seconds", { seconds });
  const minutes = Math.floor(seconds / 60);
  if (minutes >= 60) {
    const rest = String(minutes % 60).padStart(2, "0");
    return t("time.hours", { hours: Math.floor(minutes / 60), minutes: rest });
  }
  return t("time.minutes_seconds", { minutes, seconds: String(seconds % 60).padStart(2, "0") });
}

export type Urgency = "calm" | "soon" | "last";

export function urgencyOf(left_ms: number): Urgency {
  return left_ms < LAST_MS ? "last" : left_ms < SOON_MS ? "soon" : "calm";
}

/** What to do about the time that is left; nothing while there is plenty. */
export function urgencyKey(urgency: Urgency, canExtend: boolean): TextKey | null {
  if (urgency === "calm") return null;
  return canExtend ? `time.${urgency}` : `time.${urgency}_final`;
}

export interface Extension {
  minutes: number;
  from: string;
  until: string;
}

/** When an extension that is asked for now would end. */
export function extensionEnd(expires_at: string, extension: Extension): string {
  const asked_ms = Date.parse(expires_at) + extension.minutes * MINUTE_MS;
  return new Date(Math.min(asked_ms, Date.parse(extension.until))).toISOString();
}
