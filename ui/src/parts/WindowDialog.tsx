import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useForm } from "react-hook-form";
import {
  maintenanceWindowCreate,
  maintenanceWindowDelete,
  maintenanceWindowUpdate,
  useCommand,
} from "../api/commands";
import { type ApiProblem, fieldErrors } from "../api/problem";
import { resourceUsage } from "../api/queries";
import type { MaintenanceWindow } from "../api/types";
import { useText } from "../i18n/text";
import { Button } from "../ui/Button";
import { Dialog, DialogFoot } from "../ui/Dialog";
import { CheckField, SelectField, TextField } from "../ui/Field";
import { notify } from "../ui/Notices";
import util from "../ui/util.module.css";
import styles from "./AlertSide.module.css";
import { ProblemNote } from "./ProblemNote";
import { WEEKDAYS, type WindowForm, windowBody, windowForm } from "./window";

/** Plans a time in which nobody is told: once, or every week; for all, some, or those with labels. */
export default function WindowDialog({
  window: window_,
  onClose,
}: {
  window?: MaintenanceWindow;
  onClose: () => void;
}) {
  const t = useText();
  const fleet = useQuery(resourceUsage()).data?.items ?? [];
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const { register, handleSubmit, watch } = useForm<WindowForm>({
    defaultValues: windowForm(window_, new Date()),
  });
  const refresh = ["maintenance-windows", "alerts"];
  const save = useCommand(
    (form: WindowForm) =>
      window_
        ? maintenanceWindowUpdate(window_.id, windowBody(form))
        : maintenanceWindowCreate(windowBody(form)),
    {
      refresh,
      onDone: ({ name }) => {
        notify(t("done.window_saved", { name }));
        onClose();
      },
    },
  );
  const remove = useCommand(() => maintenanceWindowDelete(window_?.id ?? ""), {
    refresh,
    onDone: () => {
      notify(t("done.window_deleted", { name: window_?.name ?? "" }));
      onClose();
    },
  });
  const submit = handleSubmit((form) => save.mutate(form, { onError: setProblem }));
  const refused = problem ?? remove.error;
  const wrong = problem ? Object.values(fieldErrors(problem)).map((it) => it.detail) : [];
  const scope = watch("scope");
  const kind = watch("kind");
  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title={window_ ? t("window.edit_title", { name: window_.name }) : t("window.add_title")}
    >
      <form className={util.stack} onSubmit={submit} noValidate autoComplete="off">
        {refused && <ProblemNote problem={refused} />}
        {wrong.map((it) => (
          <p key={it} className={styles.failed}>
            {it}
          </p>
        ))}
        <div className={styles.two}>
          <TextField {...register("name")} label={t("window.name")} placeholder={t("window.name_example")} />
          <TextField {...register("reason")} label={t("window.reason")} />
        </div>
        <SelectField {...register("scope")} label={t("window.scope")}>
          <option value="all">{t("window.all")}</option>
          <option value="some">{t("window.some")}</option>
          <option value="labels">{t("window.by_labels")}</option>
        </SelectField>
        {scope === "some" && (
          <fieldset className={styles.fieldset}>
            <legend>{t("tab.infrastructures")}</legend>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long list scrolls, also by keyboard. */}
            <section className={styles.scroll} tabIndex={0} aria-label={t("tab.infrastructures")}>
              <div className={styles.checks}>
                {fleet.map((it) => (
                  <CheckField key={it.id} {...register("infrastructure_ids")} value={it.id} label={it.name} />
                ))}
              </div>
            </section>
          </fieldset>
        )}
        {scope === "labels" && (
          <TextField {...register("labels")} label={t("rule.labels")} placeholder="site=paris" />
        )}
        <SelectField {...register("kind")} label={t("window.kind")}>
          <option value="once">{t("window.once")}</option>
          <option value="weekly">{t("window.weekly")}</option>
        </SelectField>
        {kind === "once" ? (
          <div className={styles.two}>
            <TextField {...register("starts_at")} type="datetime-local" label={t("window.starts")} />
            <TextField {...register("ends_at")} type="datetime-local" label={t("window.ends")} />
          </div>
        ) : (
          <>
            <fieldset className={styles.fieldset}>
              <legend>{t("window.weekdays")}</legend>
              <div className={styles.checks}>
                {WEEKDAYS.map((it) => (
                  <CheckField key={it} {...register("weekdays")} value={it} label={t(`weekday.${it}`)} />
                ))}
              </div>
            </fieldset>
            <div className={styles.two}>
              <TextField {...register("start_time")} type="time" label={t("window.start_time")} />
              <TextField {...register("duration_minutes")} inputMode="numeric" label={t("window.minutes")} />
              <TextField {...register("time_zone")} label={t("window.time_zone")} spellCheck={false} />
            </div>
          </>
        )}
        <DialogFoot>
          <Button type="submit" look="primary" busy={save.isPending}>
            {t("action.save")}
          </Button>
          <Button onClick={onClose}>{t("action.cancel")}</Button>
          {window_ && (
            <Button
              look="danger"
              icon="trash"
              busy={remove.isPending}
              onClick={() => remove.mutate(undefined)}
            >
              {t("window.delete")}
            </Button>
          )}
        </DialogFoot>
      </form>
    </Dialog>
  );
}
