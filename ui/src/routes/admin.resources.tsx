import { createFileRoute } from "@tanstack/react-router";
import { resourceUsage } from "../api/queries";
import { type HistorySearch, historySearchParse } from "../parts/history/ranges";
import { ResourcesPage } from "../parts/ResourcesPage";

export interface ResourcesSearch extends HistorySearch {
  /** Whose charts are shown; the fleet's, when there is none. */
  of?: string | undefined;
  /** `region`, `environment` or `label:<key>`. */
  group?: string | undefined;
}

const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);
const GROUP = /^(region|environment|label:.+)$/;

function searchParse(search: Record<string, unknown>): ResourcesSearch {
  const group = text(search.group);
  return {
    of: text(search.of),
    group: group && GROUP.test(group) ? group : undefined,
    ...historySearchParse(search),
  };
}

/** How full is the fleet, and which infrastructure runs out first? */
export const Route = createFileRoute("/admin/resources")({
  validateSearch: searchParse,
  loaderDeps: ({ search: { group } }) => ({ group }),
  loader: ({ context: { cache }, deps: { group } }) => void cache.prefetchQuery(resourceUsage(group)),
  component: ResourcesRoute,
});

function ResourcesRoute() {
  const search = Route.useSearch();
  const navigate = Route.useNavigate();
  return (
    <ResourcesPage
      search={search}
      onSearch={(change) =>
        void navigate({ search: (now) => ({ ...now, ...change }), replace: true, resetScroll: false })
      }
    />
  );
}
