import { createFileRoute } from "@tanstack/react-router";
import type { InfrastructureSort } from "../api/queries";
import { infrastructureList, stats } from "../api/queries";
import type { EnvironmentClass, InfrastructureState } from "../api/types";
import { ENVIRONMENTS } from "../parts/EnvironmentBadge";
import { InfrastructureListPage } from "../parts/InfrastructureListPage";
import { GROUP_NAMES, STATES, type StateGroup, statesOf } from "../parts/state";

const SORTS: readonly InfrastructureSort[] = ["name", "state", "cpu", "memory", "nodes", "created_at"];

export interface InfrastructureSearch {
  q?: string | undefined;
  /** A group of the ribbon, or one exact state. */
  state?: StateGroup | InfrastructureState | undefined;
  environment?: EnvironmentClass | undefined;
  sort?: InfrastructureSort | `-${InfrastructureSort}` | undefined;
}

/**
 * Keeps what is known and drops the rest: an old link still opens, with the filter it can have.
 *
 * Every key is in the answer, because the router lays it over what stands in the address: a key
 * that is left out would keep the value that nobody knows.
 */
export function searchParse(search: Record<string, unknown>): InfrastructureSearch {
  const { q, state, environment, sort } = search;
  const known = <Value extends string>(value: unknown, values: readonly string[]) =>
    typeof value === "string" && values.includes(value) ? (value as Value) : undefined;
  return {
    q: (typeof q === "string" || typeof q === "number") && q !== "" ? String(q) : undefined,
    state: known(state, [...Object.keys(STATES), ...GROUP_NAMES]),
    environment: known(environment, ENVIRONMENTS),
    sort: known(sort, [...SORTS, ...SORTS.map((it) => `-${it}`)]),
  };
}

/** Which infrastructures, where, and how full? The filter is the URL, so it can be sent. */
export const Route = createFileRoute("/admin/infrastructures/")({
  validateSearch: searchParse,
  loaderDeps: ({ search: { q, state, environment, sort } }) => ({
    q,
    state: statesOf(state),
    environment,
    sort,
  }),
  loader: ({ context: { cache }, deps }) => {
    void cache.prefetchInfiniteQuery(infrastructureList(deps));
    void cache.prefetchQuery(stats());
  },
  component: InfrastructuresRoute,
});

function InfrastructuresRoute() {
  const search = Route.useSearch();
  const navigate = Route.useNavigate();
  return (
    <InfrastructureListPage
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
