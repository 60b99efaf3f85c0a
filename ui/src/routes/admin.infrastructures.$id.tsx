import { createFileRoute, notFound } from "@tanstack/react-router";
import { problemOf } from "../api/problem";
import { infrastructure } from "../api/queries";
import { type HistorySearch, historySearchParse } from "../parts/history/ranges";
import { InfrastructurePage } from "../parts/InfrastructurePage";

const DOINGS = ["test", "edit", "replace", "delete"] as const;
export type Doing = (typeof DOINGS)[number];

interface InfrastructureDoing extends HistorySearch {
  do?: Doing | undefined;
}

/** What is wrong here, and what is this? `?do=` opens with one thing begun, so that a link can say it. */
export const Route = createFileRoute("/admin/infrastructures/$id")({
  // An unknown one is taken out: a key that is left out would keep what stands in the address.
  validateSearch: (search): InfrastructureDoing => ({
    do: DOINGS.find((it) => it === search.do),
    ...historySearchParse(search),
  }),
  loader: ({ context: { cache }, params: { id } }) =>
    cache.ensureQueryData(infrastructure(id)).catch((error: unknown) => {
      throw problemOf(error).status === 404 ? notFound() : error;
    }),
  component: InfrastructureRoute,
});

function InfrastructureRoute() {
  const { id } = Route.useParams();
  const { do: doing, ...search } = Route.useSearch();
  const navigate = Route.useNavigate();
  const stay = { replace: true, resetScroll: false, hash: true } as const;
  return (
    <InfrastructurePage
      key={id}
      id={id}
      doing={doing}
      onDo={(next) => void navigate({ search: (now) => ({ ...now, do: next ?? undefined }), ...stay })}
      search={search}
      onSearch={(change) => void navigate({ search: (now) => ({ ...now, ...change }), ...stay })}
      onLeave={() => navigate({ to: "/admin/infrastructures" })}
    />
  );
}
