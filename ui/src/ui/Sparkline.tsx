import styles from "./Sparkline.module.css";

const WIDTH = 120;
const HEIGHT = 28;
const EDGE = 3;

/** A line without axes: whether it rises. Gaps stay gaps; `top` is where full lies. */
export function Sparkline({
  values,
  top,
  label,
}: {
  values: readonly (number | null)[];
  top: number;
  /** What it shows, for whoever cannot see it. */
  label: string;
}) {
  const x = (index: number) => EDGE + (index / Math.max(1, values.length - 1)) * (WIDTH - 2 * EDGE);
  const y = (value: number) => HEIGHT - 1 - Math.min(1, value / top) * (HEIGHT - 2 * EDGE);
  let path = "";
  let before: number | null = null;
  values.forEach((it, index) => {
    if (it !== null) path += `${before === null ? "M" : "L"}${x(index).toFixed(1)} ${y(it).toFixed(1)}`;
    before = it;
  });
  const last = values.findLastIndex((it) => it !== null);
  return (
    <svg
      className={styles.spark}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <path className={styles.ground} d={`M0 ${HEIGHT - 0.5}H${WIDTH}`} />
      <path className={styles.line} d={path} />
      {last >= 0 && (
        <path className={styles.end} d={`M${x(last).toFixed(1)} ${y(values[last] ?? 0).toFixed(1)}h.01`} />
      )}
    </svg>
  );
}
