import { createFileRoute, redirect } from "@tanstack/react-router";
import { problemOf } from "../api/problem";
import { authState, me } from "../api/queries";
import { AdminDashboard } from "../parts/AdminDashboard";

/** Everything under /admin is for who is signed in; others are asked to, and come back here. */
export const Route = createFileRoute("/admin")({
  beforeLoad: async ({ context: { cache }, location }) => {
    try {
      await cache.ensureQueryData(me());
    } catch (error) {
      if (problemOf(error).status !== 401) throw error;
      const { setup_required } = await cache.fetchQuery(authState());
      if (setup_required) throw redirect({ to: "/setup" });
      throw redirect({ to: "/login", search: { to: location.href } });
    }
  },
  component: AdminDashboard,
});
