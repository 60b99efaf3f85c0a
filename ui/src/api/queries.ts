/**
 * What the console reads, as TanStack Query options, named as in every other layer.
 *
 * Promises: keys begin with their noun, so that an event invalidates a noun at once. Does not:
 * hold state of its own; the cache is the only copy.
 */
import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { bodyOf, client } from "./client";
import { serverNow } from "./clock";
import type { EnvironmentClass, History, HistoryMetric } from "./types";

export type InfrastructureSort = "name" | "cpu" | "memory" | "nodes" | "state" | "created_at";
export interface InfrastructureFilter {
  q?: string | undefined;
  /** States, with commas between. */
  state?: string | undefined;
  environment?: EnvironmentClass | undefined;
  sort?: InfrastructureSort | `-${InfrastructureSort}` | undefined;
}

/** Most rows the API gives at once. Beyond that the list goes on by key. */
const INFRASTRUCTURE_PAGE = 1_000;
const AUDIT_PAGE = 50;
const ALERT_PAGE = 20;

export const authState = () =>
  queryOptions({
    queryKey: ["auth", "state"],
    queryFn: ({ signal }) => bodyOf(client.GET("/api/auth/state", { signal })),
    staleTime: 0,
  });

export const me = () =>
  queryOptions({
    queryKey: ["auth", "me"],
    queryFn: ({ signal }) => bodyOf(client.GET("/api/auth/me", { signal })),
    staleTime: 60_000,
    // Roles change rarely, and every command is checked again by the server.
    refetchInterval: 300_000,
  });

export const sessionList = () =>
  queryOptions({
    queryKey: ["auth", "sessions"],
    queryFn: ({ signal }) => bodyOf(client.GET("/api/auth/sessions", { signal })),
  });

export const infrastructureList = (filter: InfrastructureFilter = {}) =>
  infiniteQueryOptions({
    queryKey: ["infrastructures", "list", filter],
    queryFn: ({ pageParam, signal }) =>
      bodyOf(
        client.GET("/api/admin/infrastructures", {
          params: { query: { ...filter, limit: INFRASTRUCTURE_PAGE, after: pageParam } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: keepPreviousData,
  });

/** What the filter leaves, as a file. */
export function infrastructureCsv(filter: InfrastructureFilter): string {
  const ask = new URLSearchParams({ format: "csv" });
  for (const [name, value] of Object.entries(filter)) if (value !== undefined) ask.set(name, value);
  return `/api/admin/infrastructures?${ask}`;
}

export const infrastructure = (id: string) =>
  queryOptions({
    queryKey: ["infrastructures", "one", id],
    queryFn: ({ signal }) =>
      bodyOf(client.GET("/api/admin/infrastructures/{id}", { params: { path: { id } }, signal })),
  });

export const infrastructureReach = (id: string) =>
  queryOptions({
    queryKey: ["infrastructures", "reach", id],
    queryFn: ({ signal }) =>
      bodyOf(client.GET("/api/admin/infrastructures/{id}/reach", { params: { path: { id } }, signal })),
    staleTime: 0,
  });

export const statusChangeList = (id: string) =>
  infiniteQueryOptions({
    queryKey: ["infrastructures", "status-changes", id],
    queryFn: ({ pageParam, signal }) =>
      bodyOf(
        client.GET("/api/admin/infrastructures/{id}/status-changes", {
          params: { path: { id }, query: { limit: 20, after: pageParam } },
          signal,
        }),
      ),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });

/** A range that ends now, or a window between two moments, in seconds. */
export type HistoryWindow = { seconds: number; live: boolean } | { from: number; until: number };
/** How often a range that ends now is read again: about as often as it gets a new step. */
const LIVE_MS = 15_000;
const refetchMs = (window: HistoryWindow) => {
  if (!("seconds" in window)) return false;
  return window.live ? LIVE_MS : Math.min(600_000, Math.max(60_000, window.seconds * 5));
};

const rfc3339 = (seconds: number) => new Date(seconds * 1_000).toISOString();

/** What the API is asked for, at the moment of asking: a range that ends now moves on. */
export function historyAsk<Metric extends HistoryMetric>(metric: Metric, window: HistoryWindow) {
  const until = "seconds" in window ? Math.floor(serverNow() / 1_000) : window.until;
  const from = "seconds" in window ? until - window.seconds : window.from;
  const ask = { metric, from: rfc3339(from), to: rfc3339(until) };
  return "seconds" in window && window.live ? { ...ask, look: true } : ask;
}

/** An address for the same figures as a file. */
function csvOf(path: string, ask: Record<string, string | number | boolean>): string {
  const query = Object.entries({ ...ask, format: "csv" }).map(([name, value]) => [name, String(value)]);
  return `${path}?${new URLSearchParams(query)}`;
}

/** The history of one infrastructure, or of the fleet. */
export const history = (id: string | null, metric: HistoryMetric, window: HistoryWindow) =>
  queryOptions({
    queryKey: id === null ? ["history", metric, window] : ["infrastructures", "history", id, metric, window],
    queryFn: ({ signal }): Promise<History> => {
      const query = historyAsk(metric, window);
      return id === null
        ? bodyOf(client.GET("/api/admin/resources/history", { params: { query }, signal }))
        : bodyOf(
            client.GET("/api/admin/infrastructures/{id}/history", {
              params: { path: { id }, query },
              signal,
            }),
          );
    },
    placeholderData: keepPreviousData,
    refetchInterval: refetchMs(window),
  });

export const historyCsv = (id: string | null, metric: HistoryMetric, window: HistoryWindow) =>
  csvOf(
    id === null ? "/api/admin/resources/history" : `/api/admin/infrastructures/${id}/history`,
    historyAsk(metric, window),
  );

const NODES_TOP = 5;
const nodeHistoryAsk = (metric: "cpu" | "memory", window: HistoryWindow) => {
  const { from, to } = historyAsk(metric, window);
  return { metric, from, to, top: NODES_TOP };
};

/** The nodes that used most. */
export const nodeHistory = (id: string, metric: "cpu" | "memory", window: HistoryWindow) =>
  queryOptions({
    queryKey: ["infrastructures", "node-history", id, metric, window],
    queryFn: ({ signal }) =>
      bodyOf(
        client.GET("/api/admin/infrastructures/{id}/nodes/history", {
          params: { path: { id }, query: nodeHistoryAsk(metric, window) },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
    refetchInterval: refetchMs(window),
  });

export const nodeHistoryCsv = (id: string, metric: "cpu" | "memory", window: HistoryWindow) =>
  csvOf(`/api/admin/infrastructures/${id}/nodes/history`, nodeHistoryAsk(metric, window));

export const nodeList = (id: string) =>
  queryOptions({
    queryKey: ["infrastructures", "nodes", id],
    queryFn: ({ signal }) =>
      bodyOf(client.GET("/api/admin/infrastructures/{id}/nodes", { params: { path: { id } }, signal })),
  });

export const clusterEventList = (id: string) =>
  queryOptions({
    queryKey: ["infrastructures", "events", id],
    queryFn: ({ signal }) =>
      bodyOf(client.GET("/api/admin/infrastructures/{id}/events", { params: { path: { id } }, signal })),
  });

export const availability = (id: string) =>
  queryOptions({
    queryKey: ["infrastructures", "availability", id],
    queryFn: ({ signal }) =>
      bodyOf(
        client.GET("/api/admin/infrastructures/{id}/availability", { params: { path: { id } }, signal }),
      ),
    refetchInterval: 60_000,
  });

export const stats = () =>
  queryOptions({
    queryKey: ["stats"],
    queryFn: ({ signal }) => bodyOf(client.GET("/api/admin/stats", { signal })),
  });

export const resourceUsage = (group?: string) =>
  queryOptions({
    queryKey: ["usage", group ?? null],
    queryFn: ({ signal }) =>
      bodyOf(client.GET("/api/admin/resources/usage", { params: { query: { group } }, signal })),
    placeholderData: keepPreviousData,
  });

export const alertSummary = () =>
  queryOptions({
    queryKey: ["alerts", "summary"],
    queryFn: ({ signal }) => bodyOf(client.GET("/api/admin/alerts/summary", { signal })),
  });

export const alertGroupList = () =>
  queryOptions({
    queryKey: ["alerts", "groups"],
    queryFn: ({ signal }) => bodyOf(client.GET("/api/admin/alerts/groups", { signal })),
  });

export const alertList = (filter: { state?: string; infrastructure_id?: string }) =>
  infiniteQueryOptions({
    queryKey: ["alerts", "list", filter],
    queryFn: ({ pageParam, signal }) =>
      bodyOf(
        client.GET("/api/admin/alerts", {
          params: { query: { ...filter, limit: ALERT_PAGE, after: pageParam } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });

export const alertRuleList = () =>
  queryOptions({
    queryKey: ["alert-rules"],
    queryFn: ({ signal }) => bodyOf(client.GET("/api/admin/alerts/rules", { signal })),
  });

export const maintenanceWindowList = () =>
  queryOptions({
    queryKey: ["maintenance-windows"],
    queryFn: ({ signal }) => bodyOf(client.GET("/api/admin/maintenance-windows", { signal })),
  });

export const alertChannelList = () =>
  queryOptions({
    queryKey: ["alert-channels"],
    queryFn: ({ signal }) => bodyOf(client.GET("/api/admin/alert-channels", { signal })),
  });

export const deliveryList = (id: string) =>
  infiniteQueryOptions({
    queryKey: ["alert-channels", "deliveries", id],
    queryFn: ({ pageParam, signal }) =>
      bodyOf(
        client.GET("/api/admin/alert-channels/{id}/deliveries", {
          params: { path: { id }, query: { after: pageParam } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });

export const auditList = () =>
  infiniteQueryOptions({
    queryKey: ["audit"],
    queryFn: ({ pageParam, signal }) =>
      bodyOf(
        client.GET("/api/admin/audit", {
          params: { query: { limit: AUDIT_PAGE, after: pageParam } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });
