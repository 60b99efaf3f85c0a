import { createFileRoute } from "@tanstack/react-router";
import {
  alertChannelList,
  alertGroupList,
  alertList,
  alertRuleList,
  maintenanceWindowList,
} from "../api/queries";
import { AlertsPage } from "../parts/AlertsPage";

export interface AlertSearch {
  /** Which of the open causes. */
  show?: "critical" | "untaken" | undefined;
  /** The group that a message led to. */
  group?: string | undefined;
}

/** Keeps what is known; every key is in the answer (see the list of infrastructures). */
export function searchParse({ show, group }: Record<string, unknown>): AlertSearch {
  return {
    show: show === "critical" || show === "untaken" ? show : undefined,
    group: typeof group === "string" ? group : undefined,
  };
}

/** What is open, and who has it? */
export const Route = createFileRoute("/admin/alerts")({
  validateSearch: searchParse,
  loader: ({ context: { cache } }) => {
    void cache.prefetchQuery(alertGroupList());
    void cache.prefetchInfiniteQuery(alertList({ state: "resolved" }));
    void cache.prefetchQuery(alertChannelList());
    void cache.prefetchQuery(alertRuleList());
    void cache.prefetchQuery(maintenanceWindowList());
  },
  component: AlertsRoute,
});

function AlertsRoute() {
  const search = Route.useSearch();
  const navigate = Route.useNavigate();
  return (
    <AlertsPage
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
