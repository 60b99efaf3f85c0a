import { useSuspenseQuery } from "@tanstack/react-query";
import { createFileRoute, notFound } from "@tanstack/react-router";
import { problemOf } from "../api/problem";
import { workshopList, workshopSession } from "../api/workshops";
import { SessionEditor } from "../parts/workshops/SessionEditor";

/** When, for how many, and is there room? */
export const Route = createFileRoute("/admin/sessions/$id/edit")({
  loader: ({ context: { cache }, params: { id } }) => {
    void cache.prefetchQuery(workshopList());
    return cache.ensureQueryData(workshopSession(id)).catch((error: unknown) => {
      throw problemOf(error).status === 404 ? notFound() : error;
    });
  },
  component: SessionEditRoute,
});

function SessionEditRoute() {
  const { id } = Route.useParams();
  const { data } = useSuspenseQuery(workshopSession(id));
  const navigate = Route.useNavigate();
  return (
    <SessionEditor
      key={id}
      session={data}
      onSaved={() => void navigate({ to: "/admin/sessions/$id", params: { id } })}
    />
  );
}
