/**
 * The seat of this browser, kept up to date.
 *
 * Promises: asks often while something is about to happen and seldom otherwise, at once when the tab
 * is looked at or the network is back; keeps what it knew while the server does not answer; an
 * answer that is older than what is shown changes nothing. Does not: draw.
 */
import { useSyncExternalStore } from "react";
import { clockOffsetNote } from "../api/clock";
import { type ApiProblem, problemOf } from "../api/problem";
import { type PortalView, seatRead } from "./portal";

type Seat =
  | { kind: "loading" }
  /** `was` when there was one and it is gone. */
  | { kind: "none"; was: boolean }
  | { kind: "taken"; view: PortalView; isOffline: boolean }
  /** Nothing is known yet, and the server does not answer. */
  | { kind: "unknown"; problem: ApiProblem };

const SOON_MS = 1_500;
const CALM_MS = 10_000;
/** Enough for what is over; a trainer may still say something. */
const OVER_MS = 20_000;

/** How long to wait before asking again. */
export function pollDelay_ms(view: PortalView, failures: number): number {
  if (failures > 0) return Math.min(CALM_MS, SOON_MS * 2 ** (failures - 1));
  const state = view.environment?.state;
  if (view.session.state === "ended") return OVER_MS;
  if (state === undefined || state === "waiting" || state === "starting" || state === "ending")
    return view.session.state === "closing" ? CALM_MS : SOON_MS;
  return CALM_MS;
}

interface SeatStore {
  subscribe: (tell: () => void) => () => void;
  read: () => Seat;
  /** What an action answered. */
  note: (view: PortalView) => void;
  /** This browser left. */
  forget: () => void;
  ask: () => void;
}

export function seatStore(fetchView: () => Promise<PortalView> = seatRead): SeatStore {
  const listeners = new Set<() => void>();
  let seat: Seat = { kind: "loading" };
  let failures = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isAsking = false;
  let stops: (() => void) | undefined;

  const put = (next: Seat) => {
    seat = next;
    for (const tell of listeners) tell();
  };
  const later = () => {
    clearTimeout(timer);
    if (!stops) return;
    if (seat.kind === "taken") timer = setTimeout(ask, pollDelay_ms(seat.view, failures));
    if (seat.kind === "unknown") timer = setTimeout(ask, Math.min(CALM_MS, SOON_MS * 2 ** failures));
  };
  const note = (view: PortalView) => {
    failures = 0;
    const isOlder = seat.kind === "taken" && Date.parse(view.now) < Date.parse(seat.view.now);
    if (!isOlder) {
      clockOffsetNote(view.now);
      put({ kind: "taken", view, isOffline: false });
    }
    later();
  };
  const failed = (problem: ApiProblem) => {
    if (problem.status === 401 || problem.status === 403 || problem.status === 404) {
      put({ kind: "none", was: seat.kind === "taken" });
      return;
    }
    failures += 1;
    if (seat.kind === "taken") put({ ...seat, isOffline: true });
    else if (seat.kind !== "none") put({ kind: "unknown", problem });
    later();
  };
  const ask = () => {
    if (isAsking) return;
    isAsking = true;
    clearTimeout(timer);
    const asked = seat;
    void fetchView()
      .then(
        (view) => {
          // Left, or taken anew, while the answer was on its way.
          if (seat.kind !== "none" || asked.kind === "none") note(view);
        },
        (error) => failed(problemOf(error)),
      )
      .finally(() => {
        isAsking = false;
      });
  };

  const start = () => {
    const looked = () => {
      if (document.visibilityState === "visible" && seat.kind !== "none") ask();
    };
    document.addEventListener("visibilitychange", looked);
    window.addEventListener("online", looked);
    stops = () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", looked);
      window.removeEventListener("online", looked);
    };
    if (seat.kind === "loading") ask();
    else later();
  };

  return {
    subscribe: (tell) => {
      listeners.add(tell);
      if (listeners.size === 1) start();
      return () => {
        listeners.delete(tell);
        if (listeners.size > 0) return;
        stops?.();
        stops = undefined;
      };
    },
    read: () => seat,
    note,
    forget: () => {
      clearTimeout(timer);
      put({ kind: "none", was: false });
    },
    ask,
  };
}

export const thisSeat = seatStore();
export const useSeat = () => useSyncExternalStore(thisSeat.subscribe, thisSeat.read);
