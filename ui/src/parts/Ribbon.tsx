import { Link } from "@tanstack/react-router";
import { useFormat } from "../i18n/format";
import { type Text, useText } from "../i18n/text";
import { Status } from "../ui/Status";
import styles from "./Ribbon.module.css";
import { GROUP_NAMES, GROUPS, groupCounts, type StateGroup } from "./state";

/** States in the groups that are told apart. */
const PARTS = {
  down: ["unreachable", "auth_failed", "tls_error"],
  degraded: ["degraded", "forbidden"],
} as const;

/** What a group is made of, in one line: "2 unreachable, 1 auth failed". */
function madeOf(
  t: Text,
  group: StateGroup,
  byState: Partial<Record<string, number>>,
  cordoned: number,
): string {
  if (group === "up" && cordoned > 0) return t("ribbon.cordoned", { cordoned });
  if (group === "paused") return t("ribbon.paused", { count: byState.disabled ?? 0 });
  if (group === "up" || group === "unknown") return t(`ribbon.${group}`);
  return PARTS[group]
    .filter((state) => (byState[state] ?? 0) > 0)
    .map((state) => t(`count.${state}`, { count: byState[state] ?? 0 }))
    .join(", ");
}

/** How many in each group; each is a filter of the list. Empty groups are left out, except the good one. */
export function Ribbon({
  byState,
  cordoned,
}: {
  byState: Partial<Record<string, number>>;
  cordoned: number;
}) {
  const t = useText();
  const format = useFormat();
  const counts = groupCounts(byState);
  const shown = GROUP_NAMES.filter((group) => counts[group] > 0 || group === "up");
  return (
    <nav className={styles.ribbon} aria-label={t("ribbon.label")}>
      {shown.map((group) => {
        const face = GROUPS[group];
        return (
          <Link
            key={group}
            to="/admin/infrastructures"
            search={{ state: group }}
            className={styles.group}
            data-tone={face.tone}
            style={{ flexGrow: 1 + Math.sqrt(counts[group]) }}
          >
            <span className={styles.line}>
              <span className={styles.number}>{format.count(counts[group])}</span>
              <Status tone={face.tone} icon={face.icon}>
                {t(face.word, { count: counts[group] })}
              </Status>
            </span>
            <span className={styles.made}>{madeOf(t, group, byState, cordoned)}</span>
          </Link>
        );
      })}
    </nav>
  );
}
