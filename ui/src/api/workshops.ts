/**
 * Workshops, their sessions, seats and environments: what is read and what is changed.
 *
 * Promises: keys begin with their noun, so that an event invalidates a noun at once; one function a
 * command. Does not: touch the cache; `useCommand` does, for all of them alike.
 */
import { infiniteQueryOptions, keepPreviousData, queryOptions, skipToken } from "@tanstack/react-query";
import { bodyOf, client } from "./client";
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Driver = Schemas["Driver"];
export type Preset = Schemas["Preset"];
export type EnvironmentState = Schemas["EnvironmentState"];
export type EnvironmentReason = Schemas["EnvironmentReason"];
export type SessionState = Schemas["SessionState"];
export type SeatState = Schemas["SeatState"];
// What has a default may be left out by whoever asks; who answers never leaves it out.
export type WorkshopProfile = Required<Schemas["WorkshopProfile"]>;
export type Workshop = Schemas["WorkshopView"] & WorkshopProfile;
export type SessionProfile = Required<Schemas["SessionProfile"]>;
export type WorkshopSession = Schemas["WorkshopSessionView"] & SessionProfile;
export type Seat = Schemas["SeatView"];
export type Board = Schemas["BoardView"] & { session: WorkshopSession };
export type PlacementResource = Schemas["PlacementResource"];
export type Rejection = Schemas["Rejection"];
export type Rejected = Schemas["Rejected"];
export type PlacementPreview = Schemas["PlacementPreview"];
export type Environment = Schemas["EnvironmentView"];
export type PlatformSettings = Required<Schemas["PlatformSettings"]>;
export type SettingsView = Schemas["SettingsView"] & { settings: PlatformSettings };

/** What is to be placed: a workshop as it is kept, or as it stands in a form. */
export type PlacementAsk =
  | { workshop_id: string; count: number }
  | (Pick<WorkshopProfile, "driver" | "preset" | "persistent" | "selector" | "kubernetes_version"> & {
      count: number;
    });

export interface EnvironmentFilter {
  infrastructure_id?: string | undefined;
  /** Of a trainer, one of theirs has to be named. */
  session_id?: string | undefined;
  /** Without one, those that are not over. */
  state?: EnvironmentState | undefined;
  q?: string | undefined;
}

/** Fills in, for the types, what answers always have. */
const full = <T>(answer: Promise<{ data?: unknown }>) => bodyOf(answer as Promise<{ data?: T }>);

/** An open board follows by events; this is for what no event tells, such as who was seen last. */
const BOARD_MS = 5_000;
const ENVIRONMENT_PAGE = 100;

export const workshopList = () =>
  queryOptions({
    queryKey: ["workshops", "list"],
    queryFn: ({ signal }) => full<{ items: Workshop[] }>(client.GET("/api/admin/workshops", { signal })),
  });

export const workshop = (id: string) =>
  queryOptions({
    queryKey: ["workshops", "one", id],
    queryFn: ({ signal }) =>
      full<Workshop>(client.GET("/api/admin/workshops/{id}", { params: { path: { id } }, signal })),
  });

export const workshopSessionList = () =>
  queryOptions({
    queryKey: ["workshop-sessions", "list"],
    queryFn: ({ signal }) =>
      full<{ items: WorkshopSession[] }>(client.GET("/api/admin/workshop-sessions", { signal })),
  });

export const workshopSession = (id: string) =>
  queryOptions({
    queryKey: ["workshop-sessions", "one", id],
    queryFn: ({ signal }) =>
      full<WorkshopSession>(
        client.GET("/api/admin/workshop-sessions/{id}", { params: { path: { id } }, signal }),
      ),
  });

export const sessionBoard = (id: string) =>
  queryOptions({
    queryKey: ["workshop-sessions", "board", id],
    queryFn: ({ signal }) =>
      full<Board>(
        client.GET("/api/admin/workshop-sessions/{id}/board", { params: { path: { id } }, signal }),
      ),
    // What ended does not move any more.
    refetchInterval: ({ state }) => (state.data?.session.state === "ended" ? 60_000 : BOARD_MS),
  });

export const sessionCards = (id: string) =>
  queryOptions({
    queryKey: ["workshop-sessions", "cards", id],
    queryFn: ({ signal }) =>
      bodyOf(client.GET("/api/admin/workshop-sessions/{id}/cards", { params: { path: { id } }, signal })),
  });

export const sessionReport = (id: string) =>
  queryOptions({
    queryKey: ["workshop-sessions", "report", id],
    queryFn: ({ signal }) =>
      bodyOf(client.GET("/api/admin/workshop-sessions/{id}/report", { params: { path: { id } }, signal })),
  });

export const sessionCsv = (id: string) => `/api/admin/workshop-sessions/${id}/seats.csv`;

export const environmentList = (filter: EnvironmentFilter) =>
  infiniteQueryOptions({
    queryKey: ["environments", "list", filter],
    queryFn: ({ pageParam, signal }) =>
      bodyOf(
        client.GET("/api/admin/environments", {
          params: { query: { ...filter, limit: ENVIRONMENT_PAGE, cursor: pageParam } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
    refetchInterval: 15_000,
  });

export const infrastructureEnvironments = (id: string) =>
  queryOptions({
    queryKey: ["environments", "of", id],
    queryFn: ({ signal }) =>
      bodyOf(
        client.GET("/api/admin/infrastructures/{id}/environments", { params: { path: { id } }, signal }),
      ),
  });

/** Where so many would go now. Nothing is reserved by asking. */
export const placementPreview = (demand: PlacementAsk | null) =>
  queryOptions({
    queryKey: ["placements", "preview", demand],
    queryFn: demand
      ? ({ signal }) => bodyOf(client.POST("/api/admin/placements/preview", { body: demand, signal }))
      : skipToken,
    // A POST counts as a person's deed: asking again by itself would keep a forgotten tab signed in.
    refetchInterval: false,
    placeholderData: keepPreviousData,
  });

export const settings = () =>
  queryOptions({
    queryKey: ["settings"],
    queryFn: ({ signal }) => full<SettingsView>(client.GET("/api/admin/settings", { signal })),
  });

const whenRevision = (id: string, revision: number) => ({
  path: { id },
  header: { "If-Match": `"${revision}"` },
});

export const workshopCreate = (body: WorkshopProfile) =>
  full<Workshop>(client.POST("/api/admin/workshops", { body }));
export const workshopUpdate = (id: string, revision: number, body: WorkshopProfile) =>
  full<Workshop>(client.PUT("/api/admin/workshops/{id}", { params: whenRevision(id, revision), body }));
export const workshopDelete = (id: string) =>
  client.DELETE("/api/admin/workshops/{id}", { params: { path: { id } } });

export const workshopSessionCreate = (body: SessionProfile & { workshop_id: string }) =>
  full<WorkshopSession>(client.POST("/api/admin/workshop-sessions", { body }));
export const workshopSessionUpdate = (id: string, revision: number, body: SessionProfile) =>
  full<WorkshopSession>(
    client.PUT("/api/admin/workshop-sessions/{id}", { params: whenRevision(id, revision), body }),
  );
export const workshopSessionDelete = (id: string) =>
  client.DELETE("/api/admin/workshop-sessions/{id}", { params: { path: { id } } });

/** What can be done to some seats of a session, or to all when none is named. */
export type SeatDeed =
  | { deed: "extend"; minutes: number; seat_ids?: string[] }
  | { deed: "message"; text: string; seat_ids?: string[] }
  | { deed: "end"; seat_ids?: string[] }
  | { deed: "restart" | "help-done"; seat_ids: string[] };

export const seatDeed = (id: string, { deed, ...body }: SeatDeed) =>
  bodyOf(client.POST(`/api/admin/workshop-sessions/{id}/${deed}`, { params: { path: { id } }, body }));

export const rosterSend = (id: string, csv: string) =>
  bodyOf(
    client.POST("/api/admin/workshop-sessions/{id}/roster", { params: { path: { id } }, body: { csv } }),
  );

export const environmentsEnd = (ids: string[], reason: string) =>
  bodyOf(client.POST("/api/admin/environments/end", { body: { ids, reason } }));
export const environmentsExtend = (ids: string[], minutes: number) =>
  bodyOf(client.POST("/api/admin/environments/extend", { body: { ids, minutes } }));

export const settingsUpdate = (body: SettingsView) =>
  full<SettingsView>(client.PUT("/api/admin/settings", { body }));

/** The nouns that a change of a session touches. */
export const SESSION_NOUNS = ["workshop-sessions", "workshops", "environments", "placements"] as const;
