/**
 * Keeps the cache true: the server says what changed, the cache asks again.
 *
 * Promises: many changes in a moment cause one refresh, and a lost stream is shown as such and
 * taken up again. Does not: write into the cache; every value on screen came from a GET.
 */
import type { QueryClient } from "@tanstack/react-query";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";

export type LiveState = "connecting" | "live" | "lost";

/** Changes that arrive within this time are refreshed together. */
const GATHER_MS = 300;
/** A class that starts changes many environments a second; a person reads slower. */
const GATHER_ENVIRONMENTS_MS = 1_000;
const RECONNECT_MS = 5_000;
const JUST_OPENED_MS = 2_000;

let live: LiveState = "connecting";
const listeners = new Set<() => void>();
function liveSet(next: LiveState) {
  if (live === next) return;
  live = next;
  for (const tell of listeners) tell();
}

/** Whether what is on screen follows the server. */
export function useLiveState(): LiveState {
  return useSyncExternalStore(
    (tell) => {
      listeners.add(tell);
      return () => listeners.delete(tell);
    },
    () => live,
  );
}

/** Refreshes what `ids` names; with none, everything. */
export function cacheRefresh(cache: QueryClient, ids: ReadonlySet<string> | "all"): void {
  if (ids === "all") {
    void cache.invalidateQueries();
    return;
  }
  void cache.invalidateQueries({
    predicate: ({ queryKey: [noun, view, id] }) => {
      if (noun === "stats" || noun === "usage" || noun === "audit") return true;
      if (noun !== "infrastructures") return false;
      return view === "list" || (typeof id === "string" && ids.has(id));
    },
  });
}

/** Refreshes what shows environments, and of sessions the lists and those that `sessions` names. */
export function workshopsRefresh(cache: QueryClient, sessions: ReadonlySet<string>): void {
  void cache.invalidateQueries({
    predicate: ({ queryKey: [noun, view, id] }) =>
      noun === "environments" ||
      (noun === "workshop-sessions" && (view === "list" || (typeof id === "string" && sessions.has(id)))),
  });
}

/** Listens while the console is open. */
export function useServerEvents(): void {
  const cache = useQueryClient();
  useEffect(() => {
    const waiting = new Set<string>();
    let gather: ReturnType<typeof setTimeout> | undefined;
    let gatherAlerts: ReturnType<typeof setTimeout> | undefined;
    let gatherSessions: ReturnType<typeof setTimeout> | undefined;
    const sessions = new Set<string>();
    let reconnect: ReturnType<typeof setTimeout> | undefined;
    let source: EventSource | undefined;
    let openedAt_ms: number | undefined;

    const open = () => {
      source = new EventSource("/api/events");
      source.onopen = () => {
        liveSet("live");
        openedAt_ms ??= Date.now();
      };
      source.onerror = () => {
        liveSet("lost");
        // The browser tries again by itself unless the server answered with an error.
        if (source?.readyState === EventSource.CLOSED) {
          void cache.invalidateQueries({ queryKey: ["auth", "me"] });
          reconnect = setTimeout(open, RECONNECT_MS);
        }
      };
      source.addEventListener("infrastructure", (event: MessageEvent<string>) => {
        waiting.add((JSON.parse(event.data) as { id: string }).id);
        gather ??= setTimeout(() => {
          gather = undefined;
          cacheRefresh(cache, new Set(waiting));
          waiting.clear();
        }, GATHER_MS);
      });

      source.addEventListener("alert", () => {
        gatherAlerts ??= setTimeout(() => {
          gatherAlerts = undefined;
          void cache.invalidateQueries({
            predicate: ({ queryKey: [noun] }) => noun === "alerts" || noun === "stats",
          });
        }, GATHER_MS);
      });
      const sessionChanged = (id: string | null | undefined) => {
        if (id) sessions.add(id);
        gatherSessions ??= setTimeout(() => {
          gatherSessions = undefined;
          workshopsRefresh(cache, new Set(sessions));
          sessions.clear();
        }, GATHER_ENVIRONMENTS_MS);
      };
      source.addEventListener("environment", (event: MessageEvent<string>) =>
        sessionChanged((JSON.parse(event.data) as { session_id?: string | null }).session_id),
      );
      source.addEventListener("workshop_session", (event: MessageEvent<string>) =>
        sessionChanged((JSON.parse(event.data) as { id: string }).id),
      );
      source.addEventListener("resync", () => {
        // The first one only says that the stream begins here, where the page has just read all.
        if (openedAt_ms !== undefined && Date.now() - openedAt_ms < JUST_OPENED_MS) return;
        cacheRefresh(cache, "all");
      });
    };

    open();
    return () => {
      clearTimeout(gather);
      clearTimeout(gatherAlerts);
      clearTimeout(gatherSessions);
      clearTimeout(reconnect);
      source?.close();
      liveSet("connecting");
    };
  }, [cache]);
}
