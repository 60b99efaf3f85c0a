/**
 * Workshops, their sessions, seats and environments: what is read and what is changed.
 *
 * Promises: keys begin with their noun, so that an event invalidates a noun at once; one function a
 * command. Does not: touch the cache; `useCommand` does, for all of them alike.
 */
import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { bodyOf, client } from "./client";
import type { InfrastructureState } from "./types";

export type Driver = "vcluster" | "namespace";
export type Preset = "small" | "medium" | "large";
export type EnvironmentState =
  | "requested"
  | "placed"
  | "provisioning"
  | "ready"
  | "claimed"
  | "paused"
  | "ending"
  | "ended"
  | "failed";
type EnvironmentStep = "queue" | "guards" | "objects" | "starting" | "api" | "tools" | "done";
export type EnvironmentReason =
  | "no_room"
  | "unreachable"
  | "forbidden"
  | "start_deadline"
  | "image_pull"
  | "unschedulable"
  | "volume"
  | "quota"
  | "crash"
  | "conflict"
  | "refused"
  | "vanished"
  | "too_many_failures"
  | "expired"
  | "session_ended"
  | "ended_by_person"
  | "restarted"
  | "unclaimed";
export type SessionState = "scheduled" | "warming" | "open" | "closing" | "ended";
export type SeatState =
  | "reserved"
  | "waiting"
  | "starting"
  | "ready"
  | "paused"
  | "ending"
  | "ended"
  | "failed";

export interface WorkshopProfile {
  title: string;
  summary: string;
  instructions: { en: string | null; fr: string | null };
  driver: Driver;
  preset: Preset;
  duration_minutes: number;
  extension_minutes: number;
  deadline_minutes: number;
  selector: Record<string, string>;
  kubernetes_version: string | null;
  persistent: boolean;
  internet: boolean;
  parameters: Record<string, string>;
}

export interface Workshop extends WorkshopProfile {
  id: string;
  open_sessions: number;
  created_by_email: string | null;
  created_at: string;
  updated_at: string;
  revision: number;
}

export interface SessionProfile {
  name: string;
  starts_at: string;
  ends_at: string;
  ready_by: string | null;
  seats: number;
  access: "open" | "roster";
  pool_initial: number;
  pool_reserved: number;
  trainers: string[];
  message: string;
  is_full: boolean;
}

interface SessionCounts {
  joined: number;
  in_use: number;
  starting: number;
  waiting: number;
  failed: number;
  help: number;
  pool_ready: number;
  pool_starting: number;
}

export interface WorkshopSession extends SessionProfile {
  id: string;
  workshop_id: string;
  workshop_title: string;
  driver: Driver;
  preset: Preset;
  state: SessionState;
  code: string;
  join_url: string;
  counts: SessionCounts;
  warm_from: string;
  closed_at: string | null;
  ended_at: string | null;
  created_at: string;
  updated_at: string;
  revision: number;
}

interface StepView {
  name: EnvironmentStep;
  number: number;
  count: number;
  since: string;
}

export interface Seat {
  id: string;
  number: number;
  name: string;
  email: string | null;
  key: string;
  state: SeatState;
  reason: EnvironmentReason | null;
  detail: string | null;
  step: StepView | null;
  environment_id: string | null;
  infrastructure_id: string | null;
  infrastructure_name: string | null;
  infrastructure_state: InfrastructureState | null;
  joined_at: string | null;
  claimed_at: string | null;
  expires_at: string | null;
  last_seen_at: string | null;
  help_requested_at: string | null;
  help_text: string | null;
  message: string | null;
  attempts: number;
}

export interface Board {
  session: WorkshopSession;
  seats: Seat[];
  pool: { ready: number; starting: number; failed: number };
  infrastructures: { id: string; name: string; state: InfrastructureState; environments: number }[];
  observed_at: string;
}

export type PlacementResource = "cpu" | "memory" | "pods" | "storage";

/** Why an infrastructure was not chosen. */
export type Rejection =
  | { code: "mode"; mode: "enabled" | "cordoned" | "disabled" }
  | { code: "state"; state: InfrastructureState }
  | { code: "stale"; age_seconds: number }
  | { code: "not_read" }
  | { code: "selector"; label: string }
  | { code: "driver"; driver: Driver }
  | { code: "version"; offered: string; wanted: string }
  | { code: "storage_class" }
  | { code: "slots"; taken: number; max: number }
  | { code: "requested" | "used"; resource: PlacementResource; percent: number; max_percent: number }
  | { code: "less_room"; free_percent: number };

export interface Rejected {
  id: string;
  name: string;
  reasons: Rejection[];
}

interface Placement {
  id: string;
  name: string;
  tightest: PlacementResource;
  free_percent: number;
  rejected: Rejected[];
}

export interface Environment {
  id: string;
  label: string;
  state: EnvironmentState;
  since: string;
  reason: EnvironmentReason | null;
  detail: string | null;
  step: StepView;
  driver: Driver;
  preset: Preset;
  session_id: string;
  session_name: string;
  seat_id: string | null;
  seat_number: number | null;
  owner: string | null;
  infrastructure_id: string | null;
  infrastructure_name: string | null;
  placement: Placement | null;
  created_at: string;
  placed_at: string | null;
  ready_at: string | null;
  claimed_at: string | null;
  expires_at: string | null;
  ended_at: string | null;
  start_seconds: number | null;
  attempts: number;
  has_failed: boolean;
  is_stuck: boolean;
  kubernetes_version: string | null;
  namespace: string;
}

interface EnvironmentPage {
  items: Environment[];
  next_cursor: string | null;
  /** How many of this page are stuck. */
  stuck: number;
}

/** What is kept of a session. */
export interface SessionReport {
  joined: number;
  environments_total: number;
  environments_failed: number;
  start_seconds_median: number | null;
  start_seconds_max: number | null;
  used_hours: number;
}

/** What is to be placed: a workshop as it is kept, or as it stands in a form. */
export type PlacementAsk =
  | { workshop_id: string; count: number }
  | (Pick<WorkshopProfile, "driver" | "preset" | "persistent" | "selector" | "kubernetes_version"> & {
      count: number;
    });

export interface PlacementPreview {
  asked: number;
  placed: number;
  targets: { id: string; name: string; count: number; tightest: PlacementResource; free_percent: number }[];
  rejected: Rejected[];
  next: Rejected[];
}

interface RosterAnswer {
  added: number;
  updated: number;
  refused: { line: number; detail: string }[];
}

interface SessionCards {
  join_url: string;
  code: string;
  session_name: string;
  cards: { number: number; name: string; key: string }[];
}

export interface PlatformSettings {
  cpu_max_percent: number;
  memory_max_percent: number;
  storage_max_percent: number;
  environments_max: number;
  start_deadline_seconds: number;
  attempts_max: number;
  starts_at_once: number;
  warm_up_minutes: number;
  grace_seconds: number;
  images: { vcluster: string; kubernetes: string; coredns: string; terminal: string };
}

export interface SettingsView {
  default_infrastructure_id: string | null;
  settings: PlatformSettings;
}

export interface EnvironmentFilter {
  infrastructure_id?: string | undefined;
  /** Of a trainer, one of theirs has to be named. */
  session_id?: string | undefined;
  /** Without one, those that are not over. */
  state?: EnvironmentState | undefined;
  q?: string | undefined;
}

/** The client, for paths that the generated types do not hold. */
type Call = (path: string, init?: Record<string, unknown>) => Promise<{ data?: unknown }>;
const ask = client as unknown as Record<"GET" | "POST" | "PUT" | "DELETE", Call>;
const read = <T>(answer: Promise<{ data?: unknown }>) => bodyOf(answer as Promise<{ data?: T }>);

const SESSION = "/api/admin/workshop-sessions/{id}";
/** An open board follows by events; this is for what no event tells, such as who was seen last. */
const BOARD_MS = 5_000;
const ENVIRONMENT_PAGE = 100;

export const workshopList = () =>
  queryOptions({
    queryKey: ["workshops", "list"],
    queryFn: ({ signal }) => read<{ items: Workshop[] }>(ask.GET("/api/admin/workshops", { signal })),
  });

export const workshop = (id: string) =>
  queryOptions({
    queryKey: ["workshops", "one", id],
    queryFn: ({ signal }) =>
      read<Workshop>(ask.GET("/api/admin/workshops/{id}", { params: { path: { id } }, signal })),
  });

export const workshopSessionList = () =>
  queryOptions({
    queryKey: ["workshop-sessions", "list"],
    queryFn: ({ signal }) =>
      read<{ items: WorkshopSession[] }>(ask.GET("/api/admin/workshop-sessions", { signal })),
  });

export const workshopSession = (id: string) =>
  queryOptions({
    queryKey: ["workshop-sessions", "one", id],
    queryFn: ({ signal }) => read<WorkshopSession>(ask.GET(SESSION, { params: { path: { id } }, signal })),
  });

export const sessionBoard = (id: string) =>
  queryOptions({
    queryKey: ["workshop-sessions", "board", id],
    queryFn: ({ signal }) => read<Board>(ask.GET(`${SESSION}/board`, { params: { path: { id } }, signal })),
    // What ended does not move any more.
    refetchInterval: ({ state }) => (state.data?.session.state === "ended" ? 60_000 : BOARD_MS),
  });

export const sessionCards = (id: string) =>
  queryOptions({
    queryKey: ["workshop-sessions", "cards", id],
    queryFn: ({ signal }) =>
      read<SessionCards>(ask.GET(`${SESSION}/cards`, { params: { path: { id } }, signal })),
  });

export const sessionReport = (id: string) =>
  queryOptions({
    queryKey: ["workshop-sessions", "report", id],
    queryFn: ({ signal }) =>
      read<SessionReport>(ask.GET(`${SESSION}/report`, { params: { path: { id } }, signal })),
  });

export const sessionCsv = (id: string) => `/api/admin/workshop-sessions/${id}/seats.csv`;

export const environmentList = (filter: EnvironmentFilter) =>
  infiniteQueryOptions({
    queryKey: ["environments", "list", filter],
    queryFn: ({ pageParam, signal }) =>
      read<EnvironmentPage>(
        ask.GET("/api/admin/environments", {
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
      read<{ items: Environment[] }>(
        ask.GET("/api/admin/infrastructures/{id}/environments", { params: { path: { id } }, signal }),
      ),
  });

/** Where so many would go now. Nothing is reserved by asking. */
export const placementPreview = (demand: PlacementAsk | null) =>
  queryOptions({
    queryKey: ["placements", "preview", demand],
    queryFn: ({ signal }) =>
      read<PlacementPreview>(ask.POST("/api/admin/placements/preview", { body: demand, signal })),
    enabled: demand !== null,
    placeholderData: keepPreviousData,
  });

export const settings = () =>
  queryOptions({
    queryKey: ["settings"],
    queryFn: ({ signal }) => read<SettingsView>(ask.GET("/api/admin/settings", { signal })),
  });

const whenRevision = (id: string, revision: number) => ({
  path: { id },
  header: { "If-Match": `"${revision}"` },
});

export const workshopCreate = (body: WorkshopProfile) =>
  read<Workshop>(ask.POST("/api/admin/workshops", { body }));
export const workshopUpdate = (id: string, revision: number, body: WorkshopProfile) =>
  read<Workshop>(ask.PUT("/api/admin/workshops/{id}", { params: whenRevision(id, revision), body }));
export const workshopDelete = (id: string) =>
  ask.DELETE("/api/admin/workshops/{id}", { params: { path: { id } } });

export const workshopSessionCreate = (body: SessionProfile & { workshop_id: string }) =>
  read<WorkshopSession>(ask.POST("/api/admin/workshop-sessions", { body }));
export const workshopSessionUpdate = (id: string, revision: number, body: SessionProfile) =>
  read<WorkshopSession>(ask.PUT(SESSION, { params: whenRevision(id, revision), body }));
export const workshopSessionDelete = (id: string) => ask.DELETE(SESSION, { params: { path: { id } } });

/** What can be done to some seats of a session, or to all when none is named. */
export type SeatDeed =
  | { deed: "extend"; minutes: number; seat_ids?: string[] }
  | { deed: "message"; text: string; seat_ids?: string[] }
  | { deed: "end"; seat_ids?: string[] }
  | { deed: "restart" | "help-done"; seat_ids: string[] };

export const seatDeed = (id: string, { deed, ...body }: SeatDeed) =>
  read<{ changed: number }>(ask.POST(`${SESSION}/${deed}`, { params: { path: { id } }, body }));

export const rosterSend = (id: string, csv: string) =>
  read<RosterAnswer>(ask.POST(`${SESSION}/roster`, { params: { path: { id } }, body: { csv } }));

export const environmentsEnd = (ids: string[], reason: string) =>
  read<{ changed: number }>(ask.POST("/api/admin/environments/end", { body: { ids, reason } }));
export const environmentsExtend = (ids: string[], minutes: number) =>
  read<{ changed: number }>(ask.POST("/api/admin/environments/extend", { body: { ids, minutes } }));

export const settingsUpdate = (body: SettingsView) =>
  read<SettingsView>(ask.PUT("/api/admin/settings", { body }));

/** The nouns that a change of a session touches. */
export const SESSION_NOUNS = ["workshop-sessions", "workshops", "environments", "placements"] as const;
