import styles from "./Icon.module.css";
import { ICONS, type IconName } from "./icons";

/** A drawing beside a word. It never speaks for itself: the word does. */
export function Icon({
  name,
  size = 16,
  spin = false,
}: {
  name: IconName;
  size?: 12 | 16 | 20;
  spin?: boolean;
}) {
  return (
    <svg
      className={styles.icon}
      viewBox="0 0 16 16"
      width={size}
      height={size}
      aria-hidden="true"
      data-spin={spin || undefined}
    >
      {ICONS[name]}
    </svg>
  );
}
