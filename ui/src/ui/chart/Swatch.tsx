import styles from "./Chart.module.css";
import { strokeOf, useColours } from "./colours";
import type { LineLook } from "./shape";

/** A short piece of a line, so that its dash is known again. */
export function Swatch({ look, nth = 0 }: { look: LineLook; nth?: number | undefined }) {
  const { colour, width, dash } = strokeOf(look, nth, useColours());
  return (
    <svg className={styles.swatch} width="18" height="8" aria-hidden="true">
      <path d="M0 4h18" stroke={colour} strokeWidth={width} strokeDasharray={dash?.join(" ")} fill="none" />
    </svg>
  );
}
