import { createFileRoute } from "@tanstack/react-router";
import { resourceUsage, stats } from "../api/queries";
import { Overview } from "../parts/Overview";

/** Is everything all right, and what first? */
export const Route = createFileRoute("/admin/")({
  loader: ({ context: { cache } }) => {
    // Asked for together and not awaited: the page draws each part as it arrives.
    void cache.prefetchQuery(stats());
    void cache.prefetchQuery(resourceUsage());
  },
  component: Overview,
});
