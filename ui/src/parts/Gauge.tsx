/**
 * How full: fill is used, mark is requested, both against allocatable.
 *
 * Promises: the last sixth lies beyond 100 %, so that overflow is drawn and never clipped; notches
 * stand at 80 and 90; without metrics only the mark is left. Does not: rely on colour; at 80 the
 * number beside it gets a sign too.
 */
import { useFormat } from "../i18n/format";
import { useText } from "../i18n/text";
import styles from "./Gauge.module.css";
import { levelOf, shareOf, type Usage } from "./usage";

/** 120 % is the right end: beyond that a gauge only says "far too much". */
const END = 1.2;
/** Where a share lies, as a part of the width. */
const place = (share: number) => `${((Math.min(share, END) / END) * 100).toFixed(3)}%`;
const beyond = (share: number) => `${(((Math.min(share, END) - 1) / END) * 100).toFixed(3)}%`;

export function Gauge({ usage, big = false }: { usage: Usage | null; big?: boolean }) {
  const t = useText();
  const format = useFormat();
  const used = usage && shareOf(usage.used, usage.allocatable);
  const requested = usage && shareOf(usage.requested, usage.allocatable);
  const label =
    used == null
      ? requested == null
        ? t("gauge.no_data")
        : t("gauge.no_metrics", { requested: format.percent(requested) })
      : requested == null
        ? t("gauge.used", { used: format.percent(used) })
        : t("gauge.used_requested", { used: format.percent(used), requested: format.percent(requested) });
  const worst = Math.max(used ?? 0, requested ?? 0);
  return (
    <span
      className={styles.gauge}
      role="img"
      aria-label={label}
      data-level={levelOf(used)}
      data-big={big || undefined}
      data-empty={usage === null || undefined}
    >
      {used != null && (
        <span className={styles.used} style={{ width: place(Math.min(used, 1)) }} data-part="used" />
      )}
      <span className={styles.notch} style={{ left: place(0.8) }} />
      <span className={styles.notch} style={{ left: place(0.9) }} />
      {worst > 1 && <span className={styles.over} style={{ width: beyond(worst) }} data-part="over" />}
      {requested != null && (
        <span className={styles.mark} style={{ left: place(requested) }} data-part="requested" />
      )}
    </span>
  );
}
