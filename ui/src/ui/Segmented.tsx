import type { ReactNode } from "react";
import styles from "./Segmented.module.css";

/** A choice of one among few, all of them in sight. */
export function Segmented<Value extends string>({
  label,
  value,
  options,
  onChoose,
  small = false,
}: {
  label: string;
  value: Value;
  options: readonly { value: Value; label: ReactNode }[];
  onChoose: (value: Value) => void;
  small?: boolean;
}) {
  return (
    <fieldset className={styles.segmented} data-small={small || undefined} aria-label={label}>
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          aria-pressed={option.value === value}
          onClick={() => onChoose(option.value)}
        >
          {option.label}
        </button>
      ))}
    </fieldset>
  );
}
