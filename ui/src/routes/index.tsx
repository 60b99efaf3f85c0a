import { createFileRoute, redirect } from "@tanstack/react-router";
import { me } from "../api/queries";
import { landingOf } from "../parts/landing";

export const Route = createFileRoute("/")({
  beforeLoad: async ({ context: { cache } }) => {
    // Nobody signed in, or no answer: the door of /admin deals with it.
    const to = await cache.ensureQueryData(me()).then(landingOf, () => "/admin" as const);
    throw redirect({ to });
  },
});
