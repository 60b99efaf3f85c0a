import { Link } from "@tanstack/react-router";
import { useFormat } from "../i18n/format";
import { type Text, useText } from "../i18n/text";
import { Status } from "../ui/Status";
import styles from "./Ribbon.module.css";
import { GROUP_NAMES, GROUPS, groupCounts, STATES, type StateGroup } from "./state";

/** What a group is made of, in one line: "2 unreachable, 1 auth failed". */
function madeOf(
  t: Text,
  group: StateGroup,
  byState: Partial<Record<string, number>>,
  cordoned: number,
): string {
  if (group === "up" && cordoned > 0) return t("ribbon.cordoned", { cordoned });
  if (group !== "down" && group !== "degraded") return t(`ribbon.${group}`);
  const parts = Object.entries(STATES)
    .filter(([state, face]) => face.group === group && (byState[state] ?? 0) > 0)
    .map(([state, face]) =>
      t("ribbon.part", { count: byState[state] ?? 0, word: t(face.word).toLocaleLowerCase() }),
    );
  return parts.join(", ");
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
                {t(face.word)}
              </Status>
            </span>
            <span className={styles.made}>{madeOf(t, group, byState, cordoned)}</span>
          </Link>
        );
      })}
    </nav>
  );
}
