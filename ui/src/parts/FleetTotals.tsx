import type { Inventory } from "../api/types";
import { useFormat } from "../i18n/format";
import { useText } from "../i18n/text";
import styles from "./FleetTotals.module.css";
import { type Change, FleetTrend } from "./FleetTrend";
import { Gauge } from "./Gauge";
import { RESOURCE_WORDS, Share, useAmount } from "./ResourceCell";
import { RESOURCES, shareOf, usageOf } from "./usage";

export type Trend = Record<"day" | "month", Partial<Record<string, Change>>>;
type Totals = Pick<Inventory, "cpu" | "memory" | "storage" | "pods"> & {
  nodes: { ready: number; total: number };
};

/** CPU, memory, storage and pods of all that answered: percent, gauge, and the three raw figures. */
export function FleetTotals({
  totals,
  trend,
}: {
  totals: Totals;
  /** With it, each resource shows how it went. */
  trend?: Trend | undefined;
}) {
  const t = useText();
  const format = useFormat();
  const amount = useAmount();
  return (
    <div className={styles.around}>
      <div className={styles.totals}>
        {RESOURCES.map((resource) => {
          const usage = usageOf(resource, totals);
          if (!usage) return null;
          const used = shareOf(usage.used, usage.allocatable);
          const requested = shareOf(usage.requested, usage.allocatable);
          return (
            <div key={resource} className={styles.total}>
              <h3>{t(RESOURCE_WORDS[resource])}</h3>
              <p className={styles.shares}>
                <span className={styles.big}>
                  <Share share={used ?? requested} strong />
                </span>
                <span className={styles.requested}>
                  {used == null
                    ? t("resource.requested")
                    : requested != null &&
                      t("resource.percent_requested", { percent: format.percent(requested) })}
                </span>
              </p>
              {trend && (
                <FleetTrend resource={resource} day={trend.day[resource]} month={trend.month[resource]} />
              )}
              <Gauge usage={usage} big />
              <dl>
                <div>
                  <dt>{t("resource.used")}</dt>
                  <dd>{usage.used == null ? t("resource.not_measured") : amount(resource, usage.used)}</dd>
                </div>
                {usage.requested != null && (
                  <div>
                    <dt>{t("resource.requested")}</dt>
                    <dd>{amount(resource, usage.requested)}</dd>
                  </div>
                )}
                <div>
                  <dt>{t("resource.allocatable")}</dt>
                  <dd>{amount(resource, usage.allocatable)}</dd>
                </div>
              </dl>
            </div>
          );
        })}
      </div>
      <p className={styles.nodes}>
        {t("overview.nodes", { ready: totals.nodes.ready, total: totals.nodes.total })}
      </p>
    </div>
  );
}
