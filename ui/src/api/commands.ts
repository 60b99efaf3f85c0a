/**
 * What the console changes. One function a command, each rejecting with an `ApiProblem`.
 *
 * Promises: a credential given here goes into one request body and nowhere else. Does not:
 * touch the cache; {@link useCommand} does, for all of them alike.
 */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { bodyOf, client } from "./client";
import type { ApiProblem } from "./problem";
import type {
  AlertChannelCreate,
  AlertChannelUpdate,
  AlertRuleUpdate,
  InfrastructureCreate,
  InfrastructureUpdate,
  MaintenanceWindowBody,
  RuleKind,
  Source,
} from "./types";

export const setUp = (body: { token: string; email: string; name?: string; password: string }) =>
  client.POST("/api/auth/setup", { body });
export const signIn = (body: { email: string; password: string }) => client.POST("/api/auth/login", { body });
export const signOut = () => client.POST("/api/auth/logout");
export const passwordChange = (body: { current_password: string; new_password: string }) =>
  client.POST("/api/auth/password", { body });
export const sessionRevoke = (id: string) =>
  client.DELETE("/api/auth/sessions/{id}", { params: { path: { id } } });

export const kubeconfigParse = (kubeconfig: string) =>
  bodyOf(client.POST("/api/admin/infrastructures/parse", { body: { kubeconfig } }));
export const infrastructureCreate = (body: InfrastructureCreate) =>
  bodyOf(client.POST("/api/admin/infrastructures", { body }));
export const infrastructureUpdate = (id: string, revision: number, body: InfrastructureUpdate) =>
  bodyOf(
    client.PUT("/api/admin/infrastructures/{id}", {
      params: { path: { id }, header: { "If-Match": `"${revision}"` } },
      body,
    }),
  );
export const infrastructureDelete = (id: string, confirm: string) =>
  client.DELETE("/api/admin/infrastructures/{id}", { params: { path: { id }, query: { confirm } } });
export interface CredentialAsk {
  source: Source;
  narrow: boolean;
  hosts_environments: boolean;
}
export const credentialReplace = (id: string, body: CredentialAsk) =>
  bodyOf(client.PUT("/api/admin/infrastructures/{id}/credential", { params: { path: { id } }, body }));
export const defaultChoose = (id: string) =>
  bodyOf(client.PUT("/api/admin/infrastructures/{id}/default", { params: { path: { id } } }));

export interface Acknowledgement {
  note: string | null;
  /** Quiet until then; until it is over when there is none. */
  until: string | null;
}
export const alertGroupAcknowledge = (id: string, body: Acknowledgement) =>
  bodyOf(client.POST("/api/admin/alerts/groups/{id}/acknowledge", { params: { path: { id } }, body }));
export const alertUnacknowledge = (id: string) =>
  bodyOf(client.POST("/api/admin/alerts/{id}/unacknowledge", { params: { path: { id } } }));
export const alertMute = (id: string, until: string) =>
  bodyOf(client.POST("/api/admin/alerts/{id}/mute", { params: { path: { id } }, body: { until } }));
export const alertUnmute = (id: string) =>
  bodyOf(client.POST("/api/admin/alerts/{id}/unmute", { params: { path: { id } } }));
export const alertRuleUpdate = (kind: RuleKind, body: AlertRuleUpdate) =>
  bodyOf(client.PUT("/api/admin/alerts/rules/{kind}", { params: { path: { kind } }, body }));

export const maintenanceWindowCreate = (body: MaintenanceWindowBody) =>
  bodyOf(client.POST("/api/admin/maintenance-windows", { body }));
export const maintenanceWindowUpdate = (id: string, body: MaintenanceWindowBody) =>
  bodyOf(client.PUT("/api/admin/maintenance-windows/{id}", { params: { path: { id } }, body }));
export const maintenanceWindowDelete = (id: string) =>
  client.DELETE("/api/admin/maintenance-windows/{id}", { params: { path: { id } } });

export const alertChannelCreate = (body: AlertChannelCreate) =>
  bodyOf(client.POST("/api/admin/alert-channels", { body }));
export const alertChannelUpdate = (id: string, body: AlertChannelUpdate) =>
  bodyOf(client.PUT("/api/admin/alert-channels/{id}", { params: { path: { id } }, body }));
export const alertChannelDelete = (id: string) =>
  client.DELETE("/api/admin/alert-channels/{id}", { params: { path: { id } } });
export const alertChannelTest = (id: string) =>
  bodyOf(client.POST("/api/admin/alert-channels/{id}/test", { params: { path: { id } } }));

export type ModeVerb = "cordon" | "uncordon" | "disable" | "enable";
export const modeChange = (id: string, verb: ModeVerb) =>
  bodyOf(client.POST(`/api/admin/infrastructures/{id}/${verb}`, { params: { path: { id } } }));

/** Runs a command and refreshes what it may have changed, before the caller goes on. */
export function useCommand<Ask, Answer>(
  run: (ask: Ask) => Promise<Answer>,
  options: { refresh: readonly string[]; onDone?: (answer: Answer, ask: Ask) => void | Promise<void> },
) {
  const cache = useQueryClient();
  return useMutation<Answer, ApiProblem, Ask>({
    mutationFn: run,
    // What was asked may hold a credential: it is not kept once the form is gone.
    gcTime: 0,
    onSuccess: async (answer, ask) => {
      await Promise.all(options.refresh.map((noun) => cache.invalidateQueries({ queryKey: [noun] })));
      await options.onDone?.(answer, ask);
    },
  });
}

/** The nouns that a change of an infrastructure touches. */
export const INFRASTRUCTURE_NOUNS = ["infrastructures", "stats", "usage"] as const;
