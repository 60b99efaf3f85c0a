/** Forgets an infrastructure: names how far that reaches, and asks for its name. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { INFRASTRUCTURE_NOUNS, infrastructureDelete, modeChange, useCommand } from "../api/commands";
import { type ApiProblem, problemOf } from "../api/problem";
import { infrastructureReach } from "../api/queries";
import type { Infrastructure } from "../api/types";
import { useText, useTextIfKnown } from "../i18n/text";
import { Button } from "../ui/Button";
import { Dialog, DialogFoot } from "../ui/Dialog";
import { Note, Skeleton } from "../ui/Faces";
import { TextField } from "../ui/Field";
import { notify } from "../ui/Notices";
import util from "../ui/util.module.css";
import { ProblemNote } from "./ProblemNote";

export default function DeleteDialog({
  infrastructure: { id, name, mode },
  onClose,
  onDeleted,
}: {
  infrastructure: Infrastructure;
  onClose: () => void;
  onDeleted: () => void | Promise<void>;
}) {
  const t = useText();
  const known = useTextIfKnown();
  const cache = useQueryClient();
  const [typed, setTyped] = useState("");
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const reach = useQuery(infrastructureReach(id));
  const remove = useCommand((confirm: string) => infrastructureDelete(id, confirm), {
    refresh: [],
    onDone: async () => {
      notify(t("done.delete", { name }));
      // Its own page is left first: asking for it once more would only find it gone.
      await onDeleted();
      for (const noun of INFRASTRUCTURE_NOUNS) void cache.invalidateQueries({ queryKey: [noun] });
    },
  });
  const cordon = useCommand(() => modeChange(id, "cordon"), {
    refresh: INFRASTRUCTURE_NOUNS,
    onDone: () => {
      notify(t("done.cordon", { name }));
      onClose();
    },
  });

  const whyNot = reach.data && !reach.data.can_delete ? (reach.data.why_not ?? "is_default") : null;
  const whyNotText = whyNot && (known(`problem.${whyNot}`) ?? whyNot);
  const whyNotHint = whyNot && known(`problem.${whyNot}.hint`);
  return (
    <Dialog open onClose={onClose} tone="danger" title={t("delete.title", { name })}>
      {reach.isPending ? (
        <Skeleton rows={2} height={36} label={t("face.loading")} />
      ) : reach.data ? (
        <p className={util.ink2}>
          {t("delete.reach", {
            environments: reach.data.environments,
            participants: reach.data.participants,
          })}
        </p>
      ) : (
        <ProblemNote problem={problemOf(reach.error)} />
      )}
      {whyNot ? (
        <Note tone="warn" icon="triangle">
          <b>{whyNotText}</b> {whyNotHint}
        </Note>
      ) : (
        <form
          className={util.stack}
          onSubmit={(event) => {
            event.preventDefault();
            if (typed !== name) return;
            remove.mutate(typed, { onError: setProblem });
          }}
        >
          {problem && <ProblemNote problem={problem} />}
          <TextField
            label={t("delete.type", { name })}
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
          />
          <DialogFoot>
            <Button
              type="submit"
              look="danger"
              busy={remove.isPending}
              whyNot={typed === name ? null : t("delete.why_not", { name })}
            >
              {t("delete.do", { environments: reach.data?.environments ?? 0 })}
            </Button>
            {mode === "enabled" && (
              <Button busy={cordon.isPending} onClick={() => cordon.mutate(undefined)}>
                {t("delete.cordon_instead")}
              </Button>
            )}
            <Button look="ghost" onClick={onClose}>
              {t("action.cancel")}
            </Button>
          </DialogFoot>
        </form>
      )}
      {whyNot && (
        <DialogFoot>
          <Button onClick={onClose}>{t("action.close")}</Button>
        </DialogFoot>
      )}
    </Dialog>
  );
}
