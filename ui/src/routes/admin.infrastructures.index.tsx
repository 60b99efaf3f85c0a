import { createFileRoute } from "@tanstack/react-router";
import type { InfrastructureSort } from "../api/queries";
import { infrastructureList, stats } from "../api/queries";
import type { EnvironmentClass, InfrastructureState } from "../api/types";
import { ENVIRONMENTS } from "../parts/EnvironmentBadge";
import { InfrastructureListPage } from "../parts/InfrastructureListPage";
import { GROUP_NAMES, STATES, type StateGroup, statesOf } from "../parts/state";

const SORTS: readonly InfrastructureSort[] = ["name", "state", "cpu", "memory", "nodes", "created_at"];

export interface InfrastructureSearch {
  q?: string;
  /** A group of the ribbon, or one exact state. */
  state?: StateGroup | InfrastructureState;
  environment?: EnvironmentClass;
  sort?: InfrastructureSort | `-${InfrastructureSort}`;
}

/** Keeps what is known and drops the rest: an old link still opens, with the filter it can have. */
function searchParse(search: Record<string, unknown>): InfrastructureSearch {
  const { q, state, environment, sort } = search;
  const known: InfrastructureSearch = {};
  if ((typeof q === "string" || typeof q === "number") && q !== "") known.q = String(q);
  if (typeof state === "string" && (state in STATES || GROUP_NAMES.includes(state as StateGroup)))
    known.state = state as StateGroup | InfrastructureState;
  if (ENVIRONMENTS.includes(environment as EnvironmentClass))
    known.environment = environment as EnvironmentClass;
  if (typeof sort === "string" && SORTS.includes(sort.replace(/^-/, "") as InfrastructureSort))
    known.sort = sort as InfrastructureSort;
  return known;
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
