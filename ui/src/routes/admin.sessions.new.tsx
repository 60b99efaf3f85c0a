import { createFileRoute } from "@tanstack/react-router";
import { workshopList } from "../api/workshops";
import { SessionEditor } from "../parts/workshops/SessionEditor";

/** A new session; `?workshop=` says of what. */
export const Route = createFileRoute("/admin/sessions/new")({
  validateSearch: ({ workshop }: Record<string, unknown>): { workshop?: string | undefined } => ({
    workshop: typeof workshop === "string" && workshop !== "" ? workshop : undefined,
  }),
  loader: ({ context: { cache } }) => cache.ensureQueryData(workshopList()),
  component: SessionNewRoute,
});

function SessionNewRoute() {
  const { workshop } = Route.useSearch();
  const navigate = Route.useNavigate();
  return (
    <SessionEditor
      workshopId={workshop}
      onSaved={({ id }) => void navigate({ to: "/admin/sessions/$id", params: { id } })}
    />
  );
}
