/** The present second, by the server's clock, for the ages on screen; one timer for all of them. */
import { useSyncExternalStore } from "react";
import { serverNow } from "../api/clock";

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let now_ms = serverNow();

function subscribe(tell: () => void) {
  listeners.add(tell);
  timer ??= setInterval(() => {
    now_ms = serverNow();
    for (const it of listeners) it();
  }, 1_000);
  return () => {
    listeners.delete(tell);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** Milliseconds since 1970; changes once a second, or less often where many things show an age. */
export function useNow(step_ms = 1_000): number {
  return useSyncExternalStore(subscribe, () =>
    step_ms > 1_000 ? Math.floor(now_ms / step_ms) * step_ms : now_ms,
  );
}

const MINUTE_MS = 60_000;

/** The end of the present minute; changes once a minute, for what is costly to draw. */
export function useMinute(): number {
  return useSyncExternalStore(subscribe, () => Math.ceil(now_ms / MINUTE_MS) * MINUTE_MS);
}
