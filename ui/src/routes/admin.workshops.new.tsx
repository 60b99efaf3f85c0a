import { createFileRoute } from "@tanstack/react-router";
import { workshop } from "../api/workshops";
import { WorkshopEditor } from "../parts/workshops/WorkshopEditor";

/** A new workshop; `?from=` begins with what another one says. */
export const Route = createFileRoute("/admin/workshops/new")({
  validateSearch: ({ from }: Record<string, unknown>): { from?: string | undefined } => ({
    from: typeof from === "string" && from !== "" ? from : undefined,
  }),
  loaderDeps: ({ search: { from } }) => ({ from }),
  loader: ({ context: { cache }, deps: { from } }) =>
    // One that is gone is no reason not to begin with an empty page.
    from ? cache.ensureQueryData(workshop(from)).catch(() => undefined) : undefined,
  component: WorkshopNewRoute,
});

function WorkshopNewRoute() {
  const copied = Route.useLoaderData();
  const navigate = Route.useNavigate();
  return (
    <WorkshopEditor
      copied={copied}
      onSaved={({ id }) => void navigate({ to: "/admin/workshops/$id", params: { id } })}
    />
  );
}
