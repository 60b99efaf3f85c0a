import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import { alertRuleList } from "../api/queries";
import type { AlertRule } from "../api/types";
import { useFormat } from "../i18n/format";
import { useText } from "../i18n/text";
import { Button } from "../ui/Button";
import { Skeleton } from "../ui/Faces";
import { Section } from "../ui/Page";
import styles from "./AlertSide.module.css";
import { useRuleName } from "./alertText";
import { useMay } from "./may";
import { RULE_KINDS } from "./rules";

const RuleDialog = lazy(() => import("./RuleDialog"));

/** When people are told: the fixed habits as sentences, and every rule with its limits. */
export function AlertRules() {
  const t = useText();
  const may = useMay();
  const ruleName = useRuleName();
  const limits = useRuleLimits();
  const rules = useQuery(alertRuleList());
  const [editing, setEditing] = useState<AlertRule | null>(null);
  const items = [...(rules.data?.items ?? [])].sort(
    (a, b) => RULE_KINDS.indexOf(a.kind) - RULE_KINDS.indexOf(b.kind),
  );
  const whyNot = may("alert_write") ? null : t("why_not.write");
  return (
    <Section title={t("rule.title")}>
      <ul className={styles.sentences}>
        <li>{t("rule.say_failures")}</li>
        <li>{t("rule.say_group")}</li>
        <li>{t("rule.say_remind")}</li>
        <li>{t("rule.say_over")}</li>
        <li>{t("rule.say_guard")}</li>
      </ul>
      {rules.isPending && <Skeleton rows={4} height={28} label={t("face.loading")} />}
      <ul className={styles.list}>
        {items.map((it) => (
          <li key={it.kind} className={styles.rule} data-off={!it.enabled || undefined}>
            <span>
              {ruleName(it.kind)}
              <span className={styles.sub}>{limits(it)}</span>
            </span>
            <Button
              size="s"
              look="ghost"
              whyNot={whyNot}
              onClick={() => setEditing(it)}
              aria-label={t("rule.change_for", { rule: ruleName(it.kind) })}
            >
              {t("rule.change")}
            </Button>
          </li>
        ))}
      </ul>
      {editing && (
        <Suspense>
          <RuleDialog rule={editing} onClose={() => setEditing(null)} />
        </Suspense>
      )}
    </Section>
  );
}

/** What a rule asks for, in one line. */
function useRuleLimits(): (rule: AlertRule) => string {
  const t = useText();
  const format = useFormat();
  return (rule) => {
    const parts = [
      rule.enabled ? t(`alert.severity.${rule.severity}`) : t("rule.off"),
      rule.threshold_percent != null &&
        rule.clear_percent != null &&
        t("rule.limits_percent", {
          over: format.percent(rule.threshold_percent / 100),
          clear: format.percent(rule.clear_percent / 100),
        }),
      rule.for_seconds ? t("rule.limits_for", { duration: format.duration(rule.for_seconds) }) : null,
      rule.days && rule.days.length > 0 && t("rule.limits_days", { days: rule.days.join(", ") }),
      rule.changes_per_hour != null && t("rule.limits_changes", { count: rule.changes_per_hour }),
      rule.overrides.length > 0 && t("rule.limits_overrides", { count: rule.overrides.length }),
    ];
    return parts.filter(Boolean).join(" · ");
  };
}
