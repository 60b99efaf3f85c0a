/** A session between its form and the API. Moments are on the reader's own clock. */
import type { SessionProfile, WorkshopSession } from "../../api/workshops";
import { localMoment } from "../window";

export interface SessionForm {
  workshop_id: string;
  name: string;
  starts_at: string;
  ends_at: string;
  ready_by: string;
  seats: string;
  access: "open" | "roster";
  pool_initial: string;
  pool_reserved: string;
  message: string;
  is_full: boolean;
}

const HOUR_MS = 3_600_000;
const SEATS = 20;

/** Of a class, so many come at once: the others find what was kept in reserve. */
export const poolFor = (seats: number) => Math.ceil(seats * 0.75);

/** The first full hour that leaves time to make environments ahead. */
function nextHour(now: Date): Date {
  return new Date(Math.ceil((now.getTime() + HOUR_MS / 2) / HOUR_MS) * HOUR_MS);
}

export function sessionForm(
  it: WorkshopSession | undefined,
  begin: { workshop_id: string; title: string; duration_minutes: number },
  now: Date,
): SessionForm {
  const start = nextHour(now);
  const end = new Date(start.getTime() + Math.max(60, begin.duration_minutes) * 60_000);
  return {
    workshop_id: it?.workshop_id ?? begin.workshop_id,
    name: it?.name ?? begin.title,
    starts_at: localMoment(it ? new Date(it.starts_at) : start),
    ends_at: localMoment(it ? new Date(it.ends_at) : end),
    ready_by: it ? (it.ready_by ? localMoment(new Date(it.ready_by)) : "") : "",
    seats: String(it?.seats ?? SEATS),
    access: it?.access ?? "open",
    pool_initial: String(it?.pool_initial ?? poolFor(SEATS)),
    pool_reserved: String(it?.pool_reserved ?? 1),
    message: it?.message ?? "",
    is_full: it?.is_full ?? false,
  };
}

/** A whole number as it was typed; none when it is none. */
export function countRead(text: string): number | null {
  const value = Number(text.trim());
  return text.trim() !== "" && Number.isInteger(value) && value >= 0 ? value : null;
}

/**
 * What a field for moments holds, as the API takes it. One that was not touched is sent as it
 * came: the field knows no seconds.
 */
function moment(text: string, before: string | null | undefined): string {
  if (before && localMoment(new Date(before)) === text) return before;
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? text : at.toISOString();
}

export function sessionBody(form: SessionForm, it?: WorkshopSession): SessionProfile {
  return {
    name: form.name,
    starts_at: moment(form.starts_at, it?.starts_at),
    ends_at: moment(form.ends_at, it?.ends_at),
    ready_by: form.ready_by ? moment(form.ready_by, it?.ready_by) : null,
    seats: countRead(form.seats) ?? 0,
    access: form.access,
    pool_initial: countRead(form.pool_initial) ?? 0,
    pool_reserved: countRead(form.pool_reserved) ?? 0,
    // Who runs it besides its maker is kept as it is.
    trainers: it?.trainers ?? [],
    message: form.message,
    is_full: form.is_full,
  };
}

const FIELDS: readonly (keyof SessionForm)[] = [
  "workshop_id",
  "name",
  "starts_at",
  "ends_at",
  "ready_by",
  "seats",
  "access",
  "pool_initial",
  "pool_reserved",
  "message",
  "is_full",
];
export const sessionField = (pointer: string) => FIELDS.find((it) => it === pointer);

/** By how much the end of a session moved when its start did, so that it stays as long as it was. */
export function endMoved(before: { starts_at: string; ends_at: string }, starts_at: string): string {
  const length = Date.parse(before.ends_at) - Date.parse(before.starts_at);
  const start = Date.parse(starts_at);
  return Number.isNaN(length + start) ? before.ends_at : localMoment(new Date(start + length));
}
