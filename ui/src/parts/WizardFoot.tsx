import type { ReactNode } from "react";
import styles from "./WizardFoot.module.css";

/** Back on the left, the way on at the right, and between them what is still missing. */
export function WizardFoot({
  back,
  note,
  children,
}: {
  back: ReactNode;
  note: ReactNode;
  children: ReactNode;
}) {
  return (
    <div className={styles.foot}>
      {back}
      <span className={styles.note}>{note}</span>
      {children}
    </div>
  );
}
