import { createFileRoute, notFound } from "@tanstack/react-router";
import { problemOf } from "../api/problem";
import { sessionCards } from "../api/workshops";
import { CardsPage } from "../parts/workshops/CardsPage";

/** One card a seat, to print and hand out. */
export const Route = createFileRoute("/admin/sessions/$id/cards")({
  loader: ({ context: { cache }, params: { id } }) =>
    cache.ensureQueryData(sessionCards(id)).catch((error: unknown) => {
      throw problemOf(error).status === 404 ? notFound() : error;
    }),
  component: CardsRoute,
});

function CardsRoute() {
  const { id } = Route.useParams();
  return <CardsPage id={id} />;
}
