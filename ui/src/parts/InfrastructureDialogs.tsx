import { lazy, Suspense } from "react";
import type { Infrastructure } from "../api/types";

const EditDialog = lazy(() => import("./EditDialog"));
const ReplaceDialog = lazy(() => import("./ReplaceDialog"));
const DeleteDialog = lazy(() => import("./DeleteDialog"));

export interface OpenDialog {
  kind: "edit" | "replace" | "delete";
  infrastructure: Infrastructure;
}

/** The dialogs that change one infrastructure, each loaded when it is first opened. */
export function InfrastructureDialogs({
  open,
  onClose,
  onDeleted,
}: {
  open: OpenDialog | null;
  onClose: () => void;
  onDeleted?: () => void | Promise<void>;
}) {
  if (!open) return null;
  const { kind, infrastructure } = open;
  return (
    <Suspense>
      {kind === "edit" && <EditDialog infrastructure={infrastructure} onClose={onClose} />}
      {kind === "replace" && <ReplaceDialog infrastructure={infrastructure} onClose={onClose} />}
      {kind === "delete" && (
        <DeleteDialog infrastructure={infrastructure} onClose={onClose} onDeleted={onDeleted ?? onClose} />
      )}
    </Suspense>
  );
}
