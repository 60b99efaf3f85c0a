import type { ReactNode } from "react";
import { Icon } from "./Icon";
import type { IconName } from "./icons";
import styles from "./Status.module.css";

export type Tone = "ok" | "warn" | "down" | "idle" | "act";

/** Icon, word and hue together; the hue alone never says anything. */
export function Status({
  tone,
  icon,
  pill = false,
  small = false,
  children,
}: {
  tone: Tone;
  icon: IconName;
  pill?: boolean;
  small?: boolean;
  children: ReactNode;
}) {
  return (
    <span
      className={styles.status}
      data-tone={tone}
      data-pill={pill || undefined}
      data-small={small || undefined}
    >
      <Icon name={icon} spin={icon === "spinner"} />
      <span>{children}</span>
    </span>
  );
}

/** A quiet label beside a name. */
export function Tag({ icon, children }: { icon?: IconName; children: ReactNode }) {
  return (
    <span className={styles.tag}>
      {icon && <Icon name={icon} size={12} />}
      {children}
    </span>
  );
}
