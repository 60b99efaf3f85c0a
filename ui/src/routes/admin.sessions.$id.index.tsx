import { createFileRoute, notFound } from "@tanstack/react-router";
import { problemOf } from "../api/problem";
import { sessionBoard } from "../api/workshops";
import { BoardPage } from "../parts/workshops/BoardPage";
import { SEAT_KIND_NAMES, type SeatKind } from "../parts/workshops/words";

export interface BoardSearch {
  /** Which seats: a kind, or those that want somebody. */
  show?: SeatKind | "attention" | undefined;
  q?: string | undefined;
  view?: "table" | undefined;
}

export function searchParse({ show, q, view }: Record<string, unknown>): BoardSearch {
  return {
    show: show === "attention" ? show : SEAT_KIND_NAMES.find((it) => it === show),
    q: (typeof q === "string" || typeof q === "number") && q !== "" ? String(q) : undefined,
    view: view === "table" ? view : undefined,
  };
}

/** Who waits, who is at work, and who needs help? */
export const Route = createFileRoute("/admin/sessions/$id/")({
  validateSearch: searchParse,
  loader: ({ context: { cache }, params: { id } }) =>
    cache.ensureQueryData(sessionBoard(id)).catch((error: unknown) => {
      throw problemOf(error).status === 404 ? notFound() : error;
    }),
  component: BoardRoute,
});

function BoardRoute() {
  const { id } = Route.useParams();
  const search = Route.useSearch();
  const navigate = Route.useNavigate();
  return (
    <BoardPage
      key={id}
      id={id}
      search={search}
      onSearch={(change) =>
        void navigate({
          search: (now) => searchParse({ ...now, ...change }),
          replace: true,
          resetScroll: false,
        })
      }
      onLeave={() => void navigate({ to: "/admin/workshops" })}
    />
  );
}
