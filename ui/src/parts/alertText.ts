/** What an alert is about and why, in the reader's language. */
import type { Alert, AlertGroup, RuleKind, Severity } from "../api/types";
import { useFormat } from "../i18n/format";
import { useNow } from "../i18n/now";
import { type TextKey, useText, useTextIfKnown } from "../i18n/text";
import type { IconName } from "../ui/icons";
import type { Tone } from "../ui/Status";

export const SEVERITIES: Record<Severity, { tone: Tone; icon: IconName; word: TextKey }> = {
  critical: { tone: "down", icon: "cross", word: "alert.severity.critical" },
  warning: { tone: "warn", icon: "triangle", word: "alert.severity.warning" },
  info: { tone: "idle", icon: "info", word: "alert.severity.info" },
};

/** Whose it is; the fleet has no name of its own. */
export function useSubjectName(): (alert: Pick<Alert, "subject">) => string {
  const t = useText();
  return ({ subject }) => (subject.kind === "fleet" ? t("alert.subject.fleet") : subject.name);
}

/**
 * Why it is wrong, in one sentence made of the alert's figures. A rule that the console does not know
 * yet says what the server says.
 */
export function useAlertDetail(): (alert: Pick<Alert, "rule" | "cause" | "detail" | "facts">) => string {
  const t = useText();
  const known = useTextIfKnown();
  const format = useFormat();
  const now_ms = useNow();
  return ({ rule, cause, detail, facts }) => {
    const reason = known(`reason.${cause}`);
    const { percent, threshold_percent, resource, ends_at } = facts;
    const slots = {
      reason: reason ?? detail,
      percent: format.percent(percent == null ? null : percent / 100),
      threshold: format.percent(threshold_percent == null ? null : threshold_percent / 100),
      resource: (resource && known(`resource.${resource}`)) ?? resource ?? "",
      ends: ends_at ? format.day(ends_at) : "—",
      left: ends_at ? format.duration((Date.parse(ends_at) - now_ms) / 1_000) : "—",
      over: ends_at && Date.parse(ends_at) <= now_ms ? "yes" : "no",
      version: facts.version ?? "—",
      node_version: facts.node_version ?? "—",
      changes: facts.changes ?? 0,
      down: facts.down ?? 0,
      total: facts.total ?? 0,
    };
    return known(`alert.detail.${rule}`, slots) ?? detail ?? t("alert.detail_unknown");
  };
}

/** The line of a group: its rule, and whom it is about. */
export function useGroupTitle(): (group: Pick<AlertGroup, "rule" | "count" | "alerts">) => string {
  const t = useText();
  const ruleName = useRuleName();
  const name = useSubjectName();
  return ({ rule, count, alerts }) => {
    const [only] = alerts;
    return count === 1 && only
      ? t("alert.title_one", { rule: ruleName(rule), name: name(only) })
      : t("alert.title_many", { rule: ruleName(rule), count });
  };
}

export function useRuleName(): (rule: RuleKind) => string {
  const known = useTextIfKnown();
  return (rule) => known(`alert.rule.${rule}`) ?? rule.replaceAll("_", " ");
}
