/** How a resource of the fleet went: a day as a line, and what changed over a day and a month. */
import { useQuery } from "@tanstack/react-query";
import { history } from "../api/queries";
import { useFormat } from "../i18n/format";
import { type Text, useText } from "../i18n/text";
import { Sparkline } from "../ui/Sparkline";
import styles from "./FleetTrend.module.css";
import { RANGES } from "./history/ranges";
import { RESOURCE_WORDS } from "./ResourceCell";
import type { Resource } from "./usage";

export interface Change {
  now_percent?: number | null;
  then_percent?: number | null;
}

/** Used, else requested, as a share of allocatable at each step. */
function sharesOf(lines: readonly { name: string; avg: readonly (number | null)[] }[]): (number | null)[] {
  const line = (name: string) => lines.find((it) => it.name === name)?.avg ?? [];
  const [used, requested, allocatable] = [line("used"), line("requested"), line("allocatable")];
  const part = [used, line("running"), requested].find((it) => it.some((value) => value !== null)) ?? [];
  return allocatable.map((all, index) => {
    const value = part[index] ?? null;
    return value === null || !all ? null : value / all;
  });
}

function changeWords(t: Text, when: "day" | "month", change: Change | undefined): string | null {
  if (change?.now_percent == null || change.then_percent == null) return null;
  const difference = Math.round(change.now_percent) - Math.round(change.then_percent);
  return t("trend.change", {
    when: t(`trend.${when}`),
    points: Math.abs(difference),
    sign: difference < 0 ? "−" : "+",
  });
}

export function FleetTrend({
  resource,
  day,
  month,
}: {
  resource: Resource;
  day: Change | undefined;
  month: Change | undefined;
}) {
  const t = useText();
  const format = useFormat();
  const read = useQuery(history(null, resource, { seconds: RANGES["24h"], live: false }));
  const shares = read.data ? sharesOf(read.data.lines) : [];
  const known = shares.filter((it) => it !== null);
  const words = [changeWords(t, "day", day), changeWords(t, "month", month)].filter((it) => it !== null);
  return (
    <div className={styles.trend}>
      {known.length > 1 ? (
        <Sparkline
          values={shares}
          top={Math.max(1, ...known)}
          label={t("trend.label", {
            resource: t(RESOURCE_WORDS[resource]),
            now: format.percent(known.at(-1)),
            before: format.percent(known[0]),
          })}
        />
      ) : (
        <div className={styles.none} />
      )}
      <p className={styles.words}>
        {words.map((it) => (
          <span key={it}>{it}</span>
        ))}
      </p>
    </div>
  );
}
