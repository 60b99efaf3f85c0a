import { createFileRoute } from "@tanstack/react-router";
import type { EnvironmentState } from "../api/workshops";
import { EnvironmentsPage } from "../parts/environments/EnvironmentsPage";
import { ENVIRONMENT_STATE_NAMES } from "../parts/workshops/words";

export interface EnvironmentSearch {
  q?: string | undefined;
  infrastructure?: string | undefined;
  session?: string | undefined;
  state?: EnvironmentState | undefined;
}

export function searchParse({
  q,
  infrastructure,
  session,
  state,
}: Record<string, unknown>): EnvironmentSearch {
  const text = (value: unknown) =>
    (typeof value === "string" || typeof value === "number") && value !== "" ? String(value) : undefined;
  return {
    q: text(q),
    infrastructure: text(infrastructure),
    session: text(session),
    state: ENVIRONMENT_STATE_NAMES.find((it) => it === state),
  };
}

/** The search as the API takes it. */
export const filterOf = ({ q, infrastructure, session, state }: EnvironmentSearch) => ({
  q,
  infrastructure_id: infrastructure,
  session_id: session,
  state,
});

/** Which environments live, where, and which of them are stuck? */
export const Route = createFileRoute("/admin/environments")({
  validateSearch: searchParse,
  component: EnvironmentsRoute,
});

function EnvironmentsRoute() {
  const search = Route.useSearch();
  const navigate = Route.useNavigate();
  return (
    <EnvironmentsPage
      search={search}
      onSearch={(change) =>
        void navigate({
          search: (now) => searchParse({ ...now, ...change }),
          replace: true,
          resetScroll: false,
        })
      }
    />
  );
}
