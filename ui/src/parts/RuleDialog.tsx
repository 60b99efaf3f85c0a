/** Changes a rule and its exceptions. Only what its kind knows is asked for. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useFieldArray, useForm } from "react-hook-form";
import { alertRuleUpdate, useCommand } from "../api/commands";
import { type ApiProblem, fieldErrors } from "../api/problem";
import { resourceUsage } from "../api/queries";
import type { AlertRule, AlertRuleUpdate, Severity } from "../api/types";
import { useText } from "../i18n/text";
import { Button } from "../ui/Button";
import { Dialog, DialogFoot } from "../ui/Dialog";
import { CheckField, SelectField, TextField } from "../ui/Field";
import { notify } from "../ui/Notices";
import util from "../ui/util.module.css";
import styles from "./AlertSide.module.css";
import { useRuleName } from "./alertText";
import { labelsRead, labelsWrite } from "./describe";
import { ProblemNote } from "./ProblemNote";

interface OverrideForm {
  id: string;
  infrastructure_id: string;
  labels: string;
  enabled: boolean;
  threshold_percent: string;
  for_minutes: string;
}
interface RuleForm {
  enabled: boolean;
  severity: Severity;
  threshold_percent: string;
  clear_percent: string;
  for_minutes: string;
  days: string;
  changes_per_hour: string;
  overrides: OverrideForm[];
}

const number = (text: string) => (text.trim() === "" ? null : Number(text.replace(",", ".")));
const seconds = (minutes: string) => {
  const value = number(minutes);
  return value === null ? null : Math.round(value * 60);
};
const minutes = (value: number | null | undefined) => (value == null ? "" : String(value / 60));
const text = (value: number | null | undefined) => (value == null ? "" : String(value));

/** What the form says, as the API takes it. */
export function ruleBody(rule: AlertRule, form: RuleForm): AlertRuleUpdate {
  return {
    enabled: form.enabled,
    severity: form.severity,
    threshold_percent: number(form.threshold_percent),
    clear_percent: number(form.clear_percent),
    for_seconds: seconds(form.for_minutes),
    days: rule.days
      ? form.days
          .split(/[\s,;]+/)
          .filter(Boolean)
          .map(Number)
      : null,
    changes_per_hour: number(form.changes_per_hour),
    overrides: form.overrides.map((it) => ({
      id: it.id || null,
      infrastructure_id: it.infrastructure_id || null,
      label_selector: it.infrastructure_id ? null : labelsRead(it.labels),
      enabled: it.enabled,
      threshold_percent: number(it.threshold_percent),
      for_seconds: seconds(it.for_minutes),
    })),
    revision: rule.revision,
  };
}

export default function RuleDialog({ rule, onClose }: { rule: AlertRule; onClose: () => void }) {
  const t = useText();
  const name = useRuleName()(rule.kind);
  const fleet = useQuery(resourceUsage()).data?.items ?? [];
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const { register, control, handleSubmit, watch } = useForm<RuleForm>({
    defaultValues: {
      enabled: rule.enabled,
      severity: rule.severity,
      threshold_percent: text(rule.threshold_percent),
      clear_percent: text(rule.clear_percent),
      for_minutes: minutes(rule.for_seconds),
      days: rule.days?.join(", ") ?? "",
      changes_per_hour: text(rule.changes_per_hour),
      overrides: rule.overrides.map((it) => ({
        id: it.id,
        infrastructure_id: it.infrastructure_id ?? "",
        labels: labelsWrite(it.label_selector ?? {}),
        enabled: it.enabled ?? true,
        threshold_percent: text(it.threshold_percent),
        for_minutes: minutes(it.for_seconds),
      })),
    },
  });
  const overrides = useFieldArray({ control, name: "overrides", keyName: "key" });
  const save = useCommand((form: RuleForm) => alertRuleUpdate(rule.kind, ruleBody(rule, form)), {
    refresh: ["alert-rules", "alerts"],
    onDone: () => {
      notify(t("done.rule", { rule: name }));
      onClose();
    },
  });
  const submit = handleSubmit((form) => save.mutate(form, { onError: setProblem }));
  const wrong = problem ? Object.values(fieldErrors(problem)).map((it) => it.detail) : [];
  return (
    <Dialog open wide onClose={onClose} title={t("rule.edit_title", { rule: name })}>
      <form className={util.stack} onSubmit={submit} noValidate autoComplete="off">
        {problem && <ProblemNote problem={problem} />}
        {wrong.map((it) => (
          <p key={it} className={styles.failed}>
            {it}
          </p>
        ))}
        <CheckField {...register("enabled")} label={t("rule.enabled")} />
        <div className={styles.two}>
          <SelectField {...register("severity")} label={t("rule.severity")}>
            {(["critical", "warning", "info"] as const).map((it) => (
              <option key={it} value={it}>
                {t(`alert.severity.${it}`)}
              </option>
            ))}
          </SelectField>
          {rule.threshold_percent != null && (
            <>
              <TextField {...register("threshold_percent")} inputMode="decimal" label={t("rule.threshold")} />
              <TextField {...register("clear_percent")} inputMode="decimal" label={t("rule.clear")} />
            </>
          )}
          {rule.for_seconds != null && (
            <TextField {...register("for_minutes")} inputMode="decimal" label={t("rule.for_minutes")} />
          )}
          {rule.days && <TextField {...register("days")} label={t("rule.days")} hint={t("rule.days_hint")} />}
          {rule.changes_per_hour != null && (
            <TextField {...register("changes_per_hour")} inputMode="numeric" label={t("rule.changes")} />
          )}
        </div>
        <fieldset className={styles.fieldset}>
          <legend>{t("rule.overrides")}</legend>
          {overrides.fields.length === 0 && <p className={util.muted}>{t("rule.overrides_none")}</p>}
          {overrides.fields.map((it, n) => (
            <div key={it.key} className={styles.two}>
              <SelectField {...register(`overrides.${n}.infrastructure_id`)} label={t("rule.override_for")}>
                <option value="">{t("rule.override_labels")}</option>
                {fleet.map((row) => (
                  <option key={row.id} value={row.id}>
                    {row.name}
                  </option>
                ))}
              </SelectField>
              {!watch(`overrides.${n}.infrastructure_id`) && (
                <TextField
                  {...register(`overrides.${n}.labels`)}
                  label={t("rule.labels")}
                  placeholder="team=platform"
                />
              )}
              {rule.threshold_percent != null && (
                <TextField
                  {...register(`overrides.${n}.threshold_percent`)}
                  inputMode="decimal"
                  label={t("rule.threshold")}
                />
              )}
              {rule.for_seconds != null && (
                <TextField
                  {...register(`overrides.${n}.for_minutes`)}
                  inputMode="decimal"
                  label={t("rule.for_minutes")}
                />
              )}
              <CheckField {...register(`overrides.${n}.enabled`)} label={t("rule.override_enabled")} />
              <Button size="s" icon="trash" onClick={() => overrides.remove(n)}>
                {t("rule.override_remove")}
              </Button>
            </div>
          ))}
          <div>
            <Button
              size="s"
              icon="plus"
              onClick={() =>
                overrides.append({
                  id: "",
                  infrastructure_id: "",
                  labels: "",
                  enabled: true,
                  threshold_percent: "",
                  for_minutes: "",
                })
              }
            >
              {t("rule.override_add")}
            </Button>
          </div>
        </fieldset>
        <DialogFoot>
          <Button type="submit" look="primary" busy={save.isPending}>
            {t("action.save")}
          </Button>
          <Button onClick={onClose}>{t("action.cancel")}</Button>
        </DialogFoot>
      </form>
    </Dialog>
  );
}
