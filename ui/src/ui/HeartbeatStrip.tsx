/**
 * The trace: a calm day is a flat line, an outage a spike. It reads without colour.
 *
 * Promises: one slot is never narrower than it can be seen; joined slots show the worst of them.
 * Does not: know states; the caller says how bad each slot was.
 */
import styles from "./HeartbeatStrip.module.css";

export type Beat = "ok" | "warn" | "down" | "off" | "none";

/** From calm to worst. */
const ORDER: readonly Beat[] = ["none", "off", "ok", "warn", "down"];
const HEIGHT: Record<Beat, number> = { ok: 6, warn: 12, down: 20, none: 5, off: 2 };
const SLOT = 3;

/** The same time in `most` slots or fewer, each as bad as the worst it stands for. */
export function beatsJoin(beats: readonly Beat[], most: number): Beat[] {
  if (beats.length <= most) return [...beats];
  return Array.from({ length: most }, (_, slot) => {
    const [from, to] = [slot, slot + 1].map((it) => Math.floor((it * beats.length) / most));
    return beats
      .slice(from, to)
      .reduce<Beat>((worst, it) => (ORDER.indexOf(it) > ORDER.indexOf(worst) ? it : worst), "none");
  });
}

/** All slots of one kind in one path: a table of a thousand rows has a thousand traces. */
function pathOf(slots: readonly Beat[], beat: Beat): string {
  const height = HEIGHT[beat];
  const [inset, width] = beat === "none" ? [0.4, 1.4] : [0, 2];
  return slots
    .flatMap((it, slot) =>
      it === beat ? [`M${slot * SLOT + inset} ${10 - height / 2}h${width}v${height}h${-width}z`] : [],
    )
    .join("");
}

export function HeartbeatStrip({
  beats,
  label,
  most = 48,
  big = false,
}: {
  beats: readonly Beat[];
  label: string;
  most?: number;
  big?: boolean;
}) {
  const slots = beatsJoin(beats, most);
  return (
    <svg
      className={styles.strip}
      data-big={big || undefined}
      viewBox={`0 0 ${slots.length * SLOT} 20`}
      preserveAspectRatio="none"
      shapeRendering="crispEdges"
      role="img"
      aria-label={label}
    >
      {ORDER.map((beat) => {
        const path = pathOf(slots, beat);
        return path && <path key={beat} data-beat={beat} d={path} />;
      })}
    </svg>
  );
}
