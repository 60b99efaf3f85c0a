import { createFileRoute } from "@tanstack/react-router";
import { resourceUsage } from "../api/queries";
import { ResourcesPage } from "../parts/ResourcesPage";

/** How full is the fleet, and which infrastructure runs out first? */
export const Route = createFileRoute("/admin/resources")({
  loader: ({ context: { cache } }) => void cache.prefetchQuery(resourceUsage()),
  component: ResourcesPage,
});
