import type { QueryClient } from "@tanstack/react-query";
import { createRootRouteWithContext, Outlet } from "@tanstack/react-router";

export const Route = createRootRouteWithContext<{ cache: QueryClient }>()({
  // Without this, what a page's own reading of the search drops would come back raw from here.
  validateSearch: () => ({}),
  component: Outlet,
});
