/** A maintenance window between its form and the API. */
import type { MaintenanceWindow, MaintenanceWindowBody, Weekday } from "../api/types";
import { labelsRead, labelsWrite } from "./describe";

export const WEEKDAYS: readonly Weekday[] = [
  "monday",
  "tuesday",
  "wednesday",
  "thursday",
  "friday",
  "saturday",
  "sunday",
];

export interface WindowForm {
  name: string;
  reason: string;
  scope: "all" | "some" | "labels";
  infrastructure_ids: string[];
  labels: string;
  kind: "once" | "weekly";
  /** As a field for moments holds it, on the reader's own clock: 2026-11-03T22:00. */
  starts_at: string;
  ends_at: string;
  weekdays: Weekday[];
  start_time: string;
  duration_minutes: string;
  time_zone: string;
}

/** The moment on the reader's clock, to the minute, as a field for moments holds it. */
export function localMoment(at: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

export function windowForm(it: MaintenanceWindow | undefined, now: Date): WindowForm {
  const schedule = it?.schedule;
  const scope = it?.scope;
  const once = schedule?.kind === "once" ? schedule : undefined;
  const weekly = schedule?.kind === "weekly" ? schedule : undefined;
  const later = new Date(now.getTime() + 2 * 3_600_000);
  return {
    name: it?.name ?? "",
    reason: it?.reason ?? "",
    scope: !scope || scope.all ? "all" : scope.infrastructure_ids.length > 0 ? "some" : "labels",
    infrastructure_ids: scope?.infrastructure_ids ?? [],
    labels: labelsWrite(scope?.label_selector ?? {}),
    kind: schedule?.kind ?? "once",
    starts_at: localMoment(once ? new Date(once.starts_at) : now),
    ends_at: localMoment(once ? new Date(once.ends_at) : later),
    weekdays: weekly?.weekdays ?? ["sunday"],
    start_time: weekly?.start_time ?? "22:00",
    duration_minutes: String(weekly?.duration_minutes ?? 120),
    time_zone: weekly?.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
  };
}

const moment = (text: string) => {
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? text : at.toISOString();
};

/** What the form says, as the API takes it. */
export function windowBody(form: WindowForm): MaintenanceWindowBody {
  return {
    name: form.name.trim(),
    reason: form.reason.trim(),
    scope: {
      all: form.scope === "all",
      infrastructure_ids: form.scope === "some" ? form.infrastructure_ids : [],
      label_selector: form.scope === "labels" ? labelsRead(form.labels) : {},
    },
    schedule:
      form.kind === "once"
        ? { kind: "once", starts_at: moment(form.starts_at), ends_at: moment(form.ends_at) }
        : {
            kind: "weekly",
            weekdays: form.weekdays,
            start_time: form.start_time,
            duration_minutes: Number(form.duration_minutes),
            time_zone: form.time_zone.trim(),
          },
  };
}
