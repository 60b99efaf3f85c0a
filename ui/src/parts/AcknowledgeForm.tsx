import { type FormEvent, useEffect, useId, useRef, useState } from "react";
import { alertGroupAcknowledge, useCommand } from "../api/commands";
import type { AlertGroup } from "../api/types";
import { useText } from "../i18n/text";
import { Button } from "../ui/Button";
import { TextField } from "../ui/Field";
import { notify } from "../ui/Notices";
import { Segmented } from "../ui/Segmented";
import styles from "./AcknowledgeForm.module.css";
import { useGroupTitle } from "./alertText";
import { ProblemNote } from "./ProblemNote";

type Quiet = "hour" | "four_hours" | "tomorrow" | "over";

/** When the reminders begin again, for whoever took it now; nothing when only the end counts. */
export function quietUntil(quiet: Quiet, now: Date): string | null {
  if (quiet === "over") return null;
  const until = new Date(now);
  if (quiet === "tomorrow") {
    until.setDate(until.getDate() + 1);
    until.setHours(9, 0, 0, 0);
  } else until.setHours(until.getHours() + (quiet === "hour" ? 1 : 4));
  return until.toISOString();
}

/** Takes a cause, where it stands: a note for the others, and until when it may be quiet. */
export function AcknowledgeForm({ group, onClose }: { group: AlertGroup; onClose: () => void }) {
  const t = useText();
  const title = useGroupTitle()(group);
  const heading = useId();
  const note = useRef<HTMLInputElement>(null);
  const [quiet, setQuiet] = useState<Quiet>("four_hours");
  useEffect(() => note.current?.focus(), []);
  const take = useCommand(
    (ask: { note: string | null; until: string | null }) => alertGroupAcknowledge(group.id, ask),
    {
      refresh: ["alerts", "stats"],
      onDone: () => {
        notify(t("done.alert_taken", { title }));
        onClose();
      },
    },
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (take.isPending) return;
    take.mutate({ note: note.current?.value.trim() || null, until: quietUntil(quiet, new Date()) });
  };
  return (
    <form
      className={styles.form}
      aria-labelledby={heading}
      onSubmit={submit}
      onKeyDown={(event) => event.key === "Escape" && onClose()}
    >
      <b id={heading}>{t("alert.acknowledge")}</b>
      {take.error && <ProblemNote problem={take.error} />}
      <TextField ref={note} label={t("alert.note")} maxLength={500} autoComplete="off" />
      <div>
        <span className={styles.label}>{t("alert.quiet_until")}</span>
        <Segmented<Quiet>
          small
          label={t("alert.quiet_until")}
          value={quiet}
          onChoose={setQuiet}
          options={[
            { value: "hour", label: t("alert.quiet.hour") },
            { value: "four_hours", label: t("alert.quiet.four_hours") },
            { value: "tomorrow", label: t("alert.quiet.tomorrow") },
            { value: "over", label: t("alert.quiet.over") },
          ]}
        />
      </div>
      <div className={styles.foot}>
        <Button type="submit" look="primary" size="s" busy={take.isPending}>
          {t("alert.acknowledge")}
        </Button>
        <Button look="ghost" size="s" onClick={onClose}>
          {t("action.cancel")}
        </Button>
      </div>
    </form>
  );
}
