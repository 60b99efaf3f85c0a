import { useState } from "react";
import { useCommand } from "../../api/commands";
import type { ApiProblem } from "../../api/problem";
import { type WorkshopSession, workshopSessionDelete } from "../../api/workshops";
import { useText } from "../../i18n/text";
import { Button } from "../../ui/Button";
import { Dialog, DialogFoot } from "../../ui/Dialog";
import { notify } from "../../ui/Notices";
import util from "../../ui/util.module.css";
import { ProblemNote } from "../ProblemNote";

/** Takes a session away that is to come or is over, with its seats and its report. */
export default function SessionDelete({
  session,
  onClose,
  onDeleted,
}: {
  session: WorkshopSession;
  onClose: () => void;
  onDeleted: () => void;
}) {
  const t = useText();
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const remove = useCommand(() => workshopSessionDelete(session.id), {
    // Its own page is left first: asking for it once more would only find it gone.
    refresh: [],
    onDone: () => {
      notify(t("done.session_deleted", { name: session.name }));
      onDeleted();
    },
  });
  return (
    <Dialog open onClose={onClose} tone="danger" title={t("session.delete_title", { name: session.name })}>
      <p className={util.ink2}>
        {session.state === "ended"
          ? t("session.delete_ended", { count: session.counts.joined })
          : t("session.delete_scheduled")}
      </p>
      {problem && <ProblemNote problem={problem} />}
      <DialogFoot>
        <Button
          look="danger"
          busy={remove.isPending}
          onClick={() => remove.mutate(undefined, { onError: setProblem })}
        >
          {t("session.delete")}
        </Button>
        <Button look="ghost" onClick={onClose}>
          {t("action.cancel")}
        </Button>
      </DialogFoot>
    </Dialog>
  );
}
