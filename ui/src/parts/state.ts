/**
 * The states of an infrastructure: word, icon, tone and group, the same on every page.
 *
 * Promises: every state the API may give has its face here, checked by the compiler. Does not:
 * decide the state; the server does.
 */
import type { InfrastructureState } from "../api/types";
import type { TextKey } from "../i18n/text";
import type { IconName } from "../ui/icons";
import type { Tone } from "../ui/Status";

/** Groups only count; a row always says its exact word. */
export type StateGroup = "down" | "degraded" | "unknown" | "up" | "paused";

interface StateFace {
  word: TextKey;
  icon: IconName;
  tone: Tone;
  group: StateGroup;
  /** Its figures are from an earlier time and are drawn dimmed. */
  old: boolean;
}

export const STATES: Record<InfrastructureState, StateFace> = {
  unreachable: { word: "state.unreachable", icon: "plug", tone: "down", group: "down", old: true },
  auth_failed: { word: "state.auth_failed", icon: "key", tone: "down", group: "down", old: true },
  tls_error: { word: "state.tls_error", icon: "lock", tone: "down", group: "down", old: true },
  degraded: { word: "state.degraded", icon: "triangle", tone: "warn", group: "degraded", old: false },
  forbidden: { word: "state.forbidden", icon: "shield", tone: "warn", group: "degraded", old: false },
  stale: { word: "state.stale", icon: "clock", tone: "idle", group: "unknown", old: true },
  healthy: { word: "state.healthy", icon: "check", tone: "ok", group: "up", old: false },
  disabled: { word: "state.disabled", icon: "pause", tone: "idle", group: "paused", old: true },
};

interface GroupFace {
  word: TextKey;
  icon: IconName;
  tone: Tone;
}

/** In the order of urgency. */
export const GROUPS: Record<StateGroup, GroupFace> = {
  down: { word: "group.down", icon: "plug", tone: "down" },
  degraded: { word: "group.degraded", icon: "triangle", tone: "warn" },
  unknown: { word: "group.unknown", icon: "clock", tone: "idle" },
  up: { word: "group.up", icon: "check", tone: "ok" },
  paused: { word: "group.paused", icon: "pause", tone: "idle" },
};
export const GROUP_NAMES = Object.keys(GROUPS) as StateGroup[];

export type GroupCounts = Record<StateGroup, number>;

/** The states that a filter stands for: a group's, or the one it names. As the API takes them. */
export function statesOf(filter: StateGroup | InfrastructureState | undefined): string | undefined {
  if (filter === undefined) return undefined;
  const states = Object.entries(STATES).filter(([state, face]) => state === filter || face.group === filter);
  return states.map(([state]) => state).join(",");
}

/** How many there are in each group, from the counts by state. */
export function groupCounts(byState: Partial<Record<string, number>>): GroupCounts {
  const counts: GroupCounts = { down: 0, degraded: 0, unknown: 0, up: 0, paused: 0 };
  for (const [state, face] of Object.entries(STATES)) counts[face.group] += byState[state] ?? 0;
  return counts;
}

/** Two intervals of the full check: a figure older than this is drawn as old. */
const STALE_AFTER_MS = 11 * 60 * 1_000;

/** Whether the figures are from an earlier time than the reader would think. */
export function isOld(
  state: InfrastructureState,
  observedAt: string | null | undefined,
  now_ms: number,
): boolean {
  if (STATES[state].old) return true;
  return observedAt != null && now_ms - Date.parse(observedAt) > STALE_AFTER_MS;
}
