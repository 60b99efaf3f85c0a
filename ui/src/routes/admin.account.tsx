import { createFileRoute } from "@tanstack/react-router";
import { sessionList } from "../api/queries";
import { AccountPage } from "../parts/AccountPage";

/** My language, my password, and where I am signed in. */
export const Route = createFileRoute("/admin/account")({
  loader: ({ context: { cache } }) => void cache.prefetchQuery(sessionList()),
  component: AccountPage,
});
