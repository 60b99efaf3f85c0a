/**
 * What the console reads, as TanStack Query options, named as in every other layer.
 *
 * Promises: keys begin with their noun, so that an event invalidates a noun at once. Does not:
 * hold state of its own; the cache is the only copy.
 */
import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { bodyOf, client } from "./client";
import type { EnvironmentClass } from "./types";

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

export const stats = () =>
  queryOptions({
    queryKey: ["stats"],
    queryFn: ({ signal }) => bodyOf(client.GET("/api/admin/stats", { signal })),
  });

export const resourceUsage = () =>
  queryOptions({
    queryKey: ["usage"],
    queryFn: ({ signal }) => bodyOf(client.GET("/api/admin/resources/usage", { signal })),
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
