/** Ends or extends environments from outside their session; says how many, and whose. */
import { useState } from "react";
import { useCommand } from "../../api/commands";
import type { ApiProblem } from "../../api/problem";
import { type Environment, environmentsEnd, environmentsExtend, SESSION_NOUNS } from "../../api/workshops";
import { useText } from "../../i18n/text";
import { Button } from "../../ui/Button";
import { Dialog, DialogFoot } from "../../ui/Dialog";
import { Note } from "../../ui/Faces";
import { TextField } from "../../ui/Field";
import { notify } from "../../ui/Notices";
import { Segmented } from "../../ui/Segmented";
import util from "../../ui/util.module.css";
import { ProblemNote } from "../ProblemNote";
import deeds from "../workshops/DeedDialog.module.css";

export interface EnvironmentDeed {
  deed: "extend" | "end";
  environments: readonly Environment[];
}

const NAMED = 12;
const MINUTES = ["10", "30", "60"] as const;

export default function EnvironmentDialog({
  deed: { deed, environments },
  onClose,
  onDone,
}: {
  deed: EnvironmentDeed;
  onClose: () => void;
  onDone: () => void;
}) {
  const t = useText();
  const [minutes, setMinutes] = useState<(typeof MINUTES)[number]>("30");
  const [reason, setReason] = useState("");
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const ids = environments.map((it) => it.id);
  const count = ids.length;
  const people = environments.filter((it) => it.owner != null).length;
  const run = useCommand(
    () => (deed === "end" ? environmentsEnd(ids, reason.trim()) : environmentsExtend(ids, Number(minutes))),
    {
      refresh: SESSION_NOUNS,
      onDone: ({ changed }) => {
        notify(t(deed === "end" ? "done.deed_end" : "done.deed_extend", { count: changed }));
        onDone();
      },
    },
  );
  const rest = count - NAMED;
  return (
    <Dialog
      open
      onClose={onClose}
      tone={deed === "end" ? "danger" : "plain"}
      title={t(deed === "end" ? "env.end_title" : "env.extend_title", { count })}
    >
      <form
        className={util.stack}
        onSubmit={(event) => {
          event.preventDefault();
          run.mutate(undefined, { onError: setProblem });
        }}
      >
        {problem && <ProblemNote problem={problem} />}
        <ul className={deeds.names}>
          {environments.slice(0, NAMED).map((it) => (
            <li key={it.id}>
              {it.owner ?? t("env.spare")} <span>{it.infrastructure_name}</span>
            </li>
          ))}
          {rest > 0 && <li>{t("deed.and_more", { count: rest })}</li>}
        </ul>
        {deed === "extend" ? (
          <Segmented
            label={t("deed.by")}
            value={minutes}
            onChoose={setMinutes}
            options={MINUTES.map((it) => ({
              value: it,
              label: t("deed.by_minutes", { minutes: Number(it) }),
            }))}
          />
        ) : (
          <>
            <Note tone="down" icon="triangle">
              {t("env.end_text", { people })}
            </Note>
            <TextField
              label={t("env.end_reason")}
              hint={t("env.end_reason_hint")}
              value={reason}
              onChange={({ target: { value } }) => setReason(value)}
              maxLength={200}
            />
          </>
        )}
        <DialogFoot>
          <Button
            type="submit"
            look={deed === "end" ? "danger" : "primary"}
            busy={run.isPending}
            whyNot={deed === "end" && reason.trim() === "" ? t("env.why_not_reason") : null}
          >
            {t(deed === "end" ? "env.end" : "env.extend_do", { count })}
          </Button>
          <Button look="ghost" onClick={onClose}>
            {t("action.cancel")}
          </Button>
        </DialogFoot>
      </form>
    </Dialog>
  );
}
