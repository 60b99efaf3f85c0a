import { useState } from "react";
import { useCommand } from "../../api/commands";
import type { ApiProblem } from "../../api/problem";
import { type Workshop, workshopDelete } from "../../api/workshops";
import { useText } from "../../i18n/text";
import { Button } from "../../ui/Button";
import { Dialog, DialogFoot } from "../../ui/Dialog";
import { notify } from "../../ui/Notices";
import util from "../../ui/util.module.css";
import { ProblemNote } from "../ProblemNote";

/** Takes a workshop away; the reports of its past sessions stay. */
export default function WorkshopDelete({
  workshop,
  onClose,
  onDeleted,
}: {
  workshop: Workshop;
  onClose: () => void;
  onDeleted: () => void;
}) {
  const t = useText();
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const remove = useCommand(() => workshopDelete(workshop.id), {
    refresh: [],
    onDone: () => {
      notify(t("done.workshop_deleted", { title: workshop.title }));
      onDeleted();
    },
  });
  return (
    <Dialog
      open
      onClose={onClose}
      tone="danger"
      title={t("workshop.delete_title", { title: workshop.title })}
    >
      <p className={util.ink2}>{t("workshop.delete_text")}</p>
      {problem && <ProblemNote problem={problem} />}
      <DialogFoot>
        <Button
          look="danger"
          busy={remove.isPending}
          onClick={() => remove.mutate(undefined, { onError: setProblem })}
        >
          {t("workshop.delete")}
        </Button>
        <Button look="ghost" onClick={onClose}>
          {t("action.cancel")}
        </Button>
      </DialogFoot>
    </Dialog>
  );
}
