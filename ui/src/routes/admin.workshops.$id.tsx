import { useSuspenseQuery } from "@tanstack/react-query";
import { createFileRoute, notFound } from "@tanstack/react-router";
import { problemOf } from "../api/problem";
import { workshop } from "../api/workshops";
import { WorkshopEditor } from "../parts/workshops/WorkshopEditor";

/** What is taught, in which environment, and for how long? */
export const Route = createFileRoute("/admin/workshops/$id")({
  loader: ({ context: { cache }, params: { id } }) =>
    cache.ensureQueryData(workshop(id)).catch((error: unknown) => {
      throw problemOf(error).status === 404 ? notFound() : error;
    }),
  component: WorkshopRoute,
});

function WorkshopRoute() {
  const { id } = Route.useParams();
  const { data } = useSuspenseQuery(workshop(id));
  const navigate = Route.useNavigate();
  return (
    <WorkshopEditor
      key={id}
      workshop={data}
      onSaved={() => {}}
      onDeleted={() => void navigate({ to: "/admin/workshops" })}
    />
  );
}
