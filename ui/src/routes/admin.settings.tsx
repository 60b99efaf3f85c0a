import { createFileRoute } from "@tanstack/react-router";
import { settings } from "../api/workshops";
import { SettingsPage } from "../parts/settings/SettingsPage";

/** Limits and times of the whole installation. */
export const Route = createFileRoute("/admin/settings")({
  loader: ({ context: { cache } }) => void cache.prefetchQuery(settings()),
  component: SettingsPage,
});
