/**
 * The states of sessions, seats and environments: word, icon and tone, the same on every page.
 *
 * Promises: every state the API may give has its face here, checked by the compiler. Does not:
 * decide the state; the server does.
 */
import type { EnvironmentState, Seat, SeatState, SessionState, WorkshopSession } from "../../api/workshops";
import type { TextKey } from "../../i18n/text";
import type { IconName } from "../../ui/icons";
import type { Tone } from "../../ui/Status";

interface Face {
  word: TextKey;
  icon: IconName;
  tone: Tone;
}

export const SESSION_STATES: Record<SessionState, Face> = {
  open: { word: "session_state.open", icon: "play", tone: "ok" },
  warming: { word: "session_state.warming", icon: "spinner", tone: "act" },
  closing: { word: "session_state.closing", icon: "spinner", tone: "idle" },
  scheduled: { word: "session_state.scheduled", icon: "clock", tone: "idle" },
  ended: { word: "session_state.ended", icon: "tick", tone: "idle" },
};

/** What a seat is to whoever runs the session: a state of the API, parted where people differ. */
export type SeatKind = SeatState | "in_use";

/** In the order in which they are counted. */
export const SEAT_KINDS: Record<SeatKind, Face> = {
  in_use: { word: "seat.in_use", icon: "play", tone: "ok" },
  ready: { word: "seat.ready", icon: "check", tone: "ok" },
  starting: { word: "seat.starting", icon: "spinner", tone: "act" },
  waiting: { word: "seat.waiting", icon: "clock", tone: "warn" },
  failed: { word: "seat.failed", icon: "cross", tone: "down" },
  paused: { word: "seat.paused", icon: "pause", tone: "idle" },
  ending: { word: "seat.ending", icon: "spinner", tone: "idle" },
  ended: { word: "seat.ended", icon: "tick", tone: "idle" },
  reserved: { word: "seat.reserved", icon: "wait", tone: "idle" },
};
export const SEAT_KIND_NAMES = Object.keys(SEAT_KINDS) as SeatKind[];

/** An environment that is ready is in use once its participant has taken it. */
export function seatKind(seat: Pick<Seat, "state" | "claimed_at">): SeatKind {
  return seat.state === "ready" && seat.claimed_at != null ? "in_use" : seat.state;
}

/** Somebody should look: they ask for help, it failed, or they wait for a place. */
export const needsAttention = (seat: Pick<Seat, "state" | "help_requested_at">) =>
  seat.help_requested_at != null || seat.state === "failed" || seat.state === "waiting";

/** Who asked for help first, then what failed, then who waits; each by its number. */
export function attentionOrder(seats: readonly Seat[]): Seat[] {
  const rank = (it: Seat) => (it.help_requested_at != null ? 0 : it.state === "failed" ? 1 : 2);
  return seats
    .filter(needsAttention)
    .sort(
      (a, b) =>
        rank(a) - rank(b) ||
        Date.parse(a.help_requested_at ?? "") - Date.parse(b.help_requested_at ?? "") ||
        a.number - b.number,
    );
}

export const ENVIRONMENT_STATES: Record<EnvironmentState, Face> = {
  failed: { word: "env_state.failed", icon: "cross", tone: "down" },
  requested: { word: "env_state.requested", icon: "clock", tone: "warn" },
  placed: { word: "env_state.placed", icon: "spinner", tone: "act" },
  provisioning: { word: "env_state.provisioning", icon: "spinner", tone: "act" },
  ready: { word: "env_state.ready", icon: "check", tone: "ok" },
  claimed: { word: "env_state.claimed", icon: "play", tone: "ok" },
  paused: { word: "env_state.paused", icon: "pause", tone: "idle" },
  ending: { word: "env_state.ending", icon: "spinner", tone: "idle" },
  ended: { word: "env_state.ended", icon: "tick", tone: "idle" },
};
export const ENVIRONMENT_STATE_NAMES = Object.keys(ENVIRONMENT_STATES) as EnvironmentState[];

export type SessionGroup = "now" | "soon" | "past";
const GROUP_OF: Record<SessionState, SessionGroup> = {
  open: "now",
  warming: "now",
  closing: "now",
  scheduled: "soon",
  ended: "past",
};

/** Sessions of today first; what comes next first; what ended last first. */
export function sessionGroups(all: readonly WorkshopSession[]): Record<SessionGroup, WorkshopSession[]> {
  const groups: Record<SessionGroup, WorkshopSession[]> = { now: [], soon: [], past: [] };
  for (const it of all) groups[GROUP_OF[it.state]].push(it);
  const byStart = (a: WorkshopSession, b: WorkshopSession) => a.starts_at.localeCompare(b.starts_at);
  groups.now.sort(byStart);
  groups.soon.sort(byStart);
  groups.past.sort((a, b) => byStart(b, a));
  return groups;
}

export type CountdownLevel = "calm" | "soon" | "last" | "over";
const SOON_SECONDS = 30 * 60;
const LAST_SECONDS = 10 * 60;

/** How long is left until `at`, and how urgent that is. */
export function countdownOf(at: string, now_ms: number): { seconds: number; level: CountdownLevel } {
  const seconds = (Date.parse(at) - now_ms) / 1_000;
  const level =
    seconds <= 0 ? "over" : seconds <= LAST_SECONDS ? "last" : seconds <= SOON_SECONDS ? "soon" : "calm";
  return { seconds: Math.max(0, seconds), level };
}
