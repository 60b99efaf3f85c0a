/** The four other faces of a list: empty, loading, partial and failed. */
import type { ReactNode } from "react";
import styles from "./Faces.module.css";
import { Icon } from "./Icon";
import type { IconName } from "./icons";
import { Status } from "./Status";

/** Nothing here yet: what this is, what to do, one button. */
export function Blank({
  title,
  action,
  children,
}: {
  title: ReactNode;
  action?: ReactNode;
  children?: ReactNode;
}) {
  return (
    <div className={styles.blank}>
      <b>{title}</b>
      {children && <div className={styles.text}>{children}</div>}
      {action && <div className={styles.action}>{action}</div>}
    </div>
  );
}

/** It could not be read: the cause, what still holds, a way to try again. */
export function Failed({
  title,
  action,
  children,
}: {
  title: ReactNode;
  action?: ReactNode;
  children?: ReactNode;
}) {
  return (
    <div className={styles.blank} role="alert">
      <Status tone="down" icon="cross">
        {title}
      </Status>
      {children && <div className={styles.text}>{children}</div>}
      {action && <div className={styles.action}>{action}</div>}
    </div>
  );
}

/** A remark that belongs to what follows it. */
export function Note({
  tone = "plain",
  icon = "info",
  children,
  action,
  role,
}: {
  tone?: "plain" | "warn" | "down" | "ok";
  icon?: IconName;
  children: ReactNode;
  action?: ReactNode;
  role?: "alert" | "status";
}) {
  return (
    <div className={styles.note} data-tone={tone} role={role}>
      <Icon name={icon} />
      <div className={styles.noteText}>{children}</div>
      {action}
    </div>
  );
}

/** Grey bars of the final height, while the first answer is on its way. */
export function Skeleton({
  rows = 3,
  height = 52,
  label,
}: {
  rows?: number;
  height?: number;
  label: string;
}) {
  return (
    <div className={styles.skeleton} role="status" aria-label={label}>
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: grey bars have no identity and never move.
        <div key={row} className={styles.bone} style={{ height }}>
          <span style={{ width: `${[62, 48, 56, 40][row % 4]}%` }} />
          <span style={{ width: `${[30, 24, 34, 20][row % 4]}%` }} />
        </div>
      ))}
    </div>
  );
}
