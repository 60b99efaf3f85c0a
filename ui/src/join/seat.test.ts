import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiProblem } from "../api/problem";
import type { PortalEnvironment, PortalView } from "./portal";
import { pollDelay_ms, seatStore } from "./seat";

const NOW = "2026-03-02T12:00:00Z";
function viewOf(state: PortalEnvironment["state"] | null, more: Partial<PortalView> = {}): PortalView {
  return {
    session: {
      name: "Day 1",
      title: "Kubernetes",
      starts_at: NOW,
      ends_at: "2026-03-02T18:00:00Z",
      state: "open",
      message: null,
    },
    seat: { number: 1, name: "Ana", key: "K7P2MX4TQZ", message: null, help_requested_at: null },
    instructions: {},
    environment: state && {
      id: "e",
      label: "e",
      state,
      reason: null,
      step: null,
      position: null,
      usual_seconds: null,
      started_at: null,
      expires_at: null,
      extension: null,
      driver: "namespace",
      kubernetes_version: null,
      namespace: "n",
    },
    now: NOW,
    ...more,
  };
}

beforeEach(() => void vi.useFakeTimers({ now: Date.parse(NOW) }));
afterEach(() => void vi.useRealTimers());
/** A question whose answer comes when the test says so. */
function askedOnce(): [() => Promise<PortalView>, (view: PortalView) => void] {
  let answer: (view: PortalView) => void = () => {};
  const asked = new Promise<PortalView>((done) => {
    answer = done;
  });
  return [() => asked, answer];
}
/** Lets answers that are there already arrive. */
const settle = () => vi.advanceTimersByTimeAsync(0);

test("it is asked every 1.5 s while something is about to happen, every 10 s at work", () => {
  for (const state of [null, "waiting", "starting", "ending"] as const) {
    expect(pollDelay_ms(viewOf(state), 0), String(state)).toBe(1_500);
  }
  for (const state of ["ready", "paused", "failed", "ended"] as const) {
    expect(pollDelay_ms(viewOf(state), 0), state).toBe(10_000);
  }
  const over = viewOf(null);
  over.session.state = "ended";
  expect(pollDelay_ms(over, 0), "nothing comes after the end").toBe(20_000);
  expect([1, 2, 3, 4, 9].map((it) => pollDelay_ms(viewOf("ready"), it))).toEqual([
    1_500, 3_000, 6_000, 10_000, 10_000,
  ]);
});

test("what was known stays while the server does not answer, and says that it is old", async () => {
  const ask = vi.fn().mockResolvedValueOnce(viewOf("waiting")).mockRejectedValueOnce(new Error("cable"));
  ask.mockResolvedValue(viewOf("ready"));
  const store = seatStore(ask);
  const stop = store.subscribe(() => {});
  await settle();
  expect(store.read()).toMatchObject({ kind: "taken", isOffline: false });
  await vi.advanceTimersByTimeAsync(1_500);
  expect(store.read()).toMatchObject({ isOffline: true, view: { environment: { state: "waiting" } } });
  await vi.advanceTimersByTimeAsync(1_500);
  expect(store.read()).toMatchObject({ isOffline: false, view: { environment: { state: "ready" } } });
  expect(ask).toHaveBeenCalledTimes(3);
  stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(ask, "nobody looks any more").toHaveBeenCalledTimes(3);
});

test("a browser without a seat is not asked again, one that lost its seat is told so", async () => {
  const gone = new ApiProblem(401, { code: "unauthenticated" });
  const ask = vi.fn().mockRejectedValue(gone);
  const store = seatStore(ask);
  store.subscribe(() => {});
  await settle();
  expect(store.read()).toEqual({ kind: "none", was: false });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(ask).toHaveBeenCalledTimes(1);
  store.note(viewOf("ready"));
  expect(store.read()).toMatchObject({ kind: "taken" });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(store.read()).toEqual({ kind: "none", was: true });
});

test("an answer that is older than what an action answered changes nothing", async () => {
  const [ask, answer] = askedOnce();
  const store = seatStore(ask);
  store.subscribe(() => {});
  store.note(viewOf("ready", { now: "2026-03-02T12:00:05Z" }));
  answer(viewOf("waiting"));
  await settle();
  expect(store.read()).toMatchObject({ view: { environment: { state: "ready" } } });
});

test("an answer that was on its way when this browser left does not bring the seat back", async () => {
  const [ask, answer] = askedOnce();
  const store = seatStore(ask);
  store.subscribe(() => {});
  store.forget();
  answer(viewOf("ready"));
  await settle();
  expect(store.read()).toEqual({ kind: "none", was: false });
});

test("it is asked at once when the tab is looked at or the network is back", async () => {
  const ask = vi.fn().mockResolvedValue(viewOf("ready"));
  const store = seatStore(ask);
  const stop = store.subscribe(() => {});
  await settle();
  window.dispatchEvent(new Event("online"));
  await settle();
  document.dispatchEvent(new Event("visibilitychange"));
  await settle();
  expect(ask).toHaveBeenCalledTimes(3);
  stop();
});
