import { createFileRoute } from "@tanstack/react-router";
import { auditList } from "../api/queries";
import { AuditPage } from "../parts/AuditPage";

/** Who did what, and when? */
export const Route = createFileRoute("/admin/audit")({
  loader: ({ context: { cache } }) => void cache.prefetchInfiniteQuery(auditList()),
  component: AuditPage,
});
