import { createFileRoute } from "@tanstack/react-router";
import { workshopList, workshopSessionList } from "../api/workshops";
import { WorkshopsPage } from "../parts/workshops/WorkshopsPage";
import type { SessionGroup } from "../parts/workshops/words";

export interface WorkshopSearch {
  /** Which sessions; all when there is none. */
  show?: SessionGroup | undefined;
}

function searchParse({ show }: Record<string, unknown>): WorkshopSearch {
  return { show: show === "now" || show === "soon" || show === "past" ? show : undefined };
}

/** What runs now, what comes next, and what can be taught? */
export const Route = createFileRoute("/admin/workshops/")({
  validateSearch: searchParse,
  loader: ({ context: { cache } }) => {
    void cache.prefetchQuery(workshopSessionList());
    void cache.prefetchQuery(workshopList());
  },
  component: WorkshopsRoute,
});

function WorkshopsRoute() {
  const search = Route.useSearch();
  const navigate = Route.useNavigate();
  return (
    <WorkshopsPage
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
