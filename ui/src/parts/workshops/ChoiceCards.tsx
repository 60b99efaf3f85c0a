import type { ReactNode } from "react";
import styles from "./ChoiceCards.module.css";

/** A choice of one among few, each with what it means. */
export function ChoiceCards<Value extends string>({
  legend,
  name,
  value,
  options,
  onChoose,
}: {
  legend: string;
  name: string;
  value: Value;
  options: readonly { value: Value; label: ReactNode; text: ReactNode }[];
  onChoose: (value: Value) => void;
}) {
  return (
    <fieldset className={styles.choice}>
      <legend>{legend}</legend>
      <div className={styles.cards}>
        {options.map((it) => (
          <label key={it.value} data-chosen={it.value === value || undefined}>
            <input
              type="radio"
              name={name}
              value={it.value}
              checked={it.value === value}
              onChange={() => onChoose(it.value)}
            />
            <b>{it.label}</b>
            <span>{it.text}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
