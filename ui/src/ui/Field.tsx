/** Fields of a form: label, control, hint and error, tied together for whoever listens. */
import { type ComponentProps, forwardRef, type ReactNode, useId } from "react";
import styles from "./Field.module.css";
import { Icon } from "./Icon";

interface Around {
  label: ReactNode;
  hint?: ReactNode;
  error?: ReactNode | undefined;
}

function Frame({ id, label, hint, error, children }: Around & { id: string; children: ReactNode }) {
  return (
    <div className={styles.frame} data-error={Boolean(error) || undefined}>
      <label htmlFor={id} className={styles.label}>
        {label}
      </label>
      {children}
      {error && (
        <p id={`${id}-error`} className={styles.error} role="alert">
          <Icon name="cross" size={12} />
          <span>{error}</span>
        </p>
      )}
      {hint && (
        <p id={`${id}-hint`} className={styles.hint}>
          {hint}
        </p>
      )}
    </div>
  );
}

function described(id: string, { hint, error }: Around) {
  return [error && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(" ") || undefined;
}

export const TextField = forwardRef<HTMLInputElement, Around & ComponentProps<"input">>(function TextField(
  { label, hint, error, className, ...rest },
  ref,
) {
  const id = useId();
  return (
    <Frame id={id} label={label} hint={hint} error={error}>
      <input
        {...rest}
        id={id}
        ref={ref}
        className={[styles.control, className].filter(Boolean).join(" ")}
        aria-invalid={Boolean(error) || undefined}
        aria-describedby={described(id, { label, hint, error })}
      />
    </Frame>
  );
});

export const TextArea = forwardRef<HTMLTextAreaElement, Around & ComponentProps<"textarea">>(
  function TextArea({ label, hint, error, className, ...rest }, ref) {
    const id = useId();
    return (
      <Frame id={id} label={label} hint={hint} error={error}>
        <textarea
          {...rest}
          id={id}
          ref={ref}
          className={[styles.control, styles.area, className].filter(Boolean).join(" ")}
          aria-invalid={Boolean(error) || undefined}
          aria-describedby={described(id, { label, hint, error })}
        />
      </Frame>
    );
  },
);

/** The browser's own list: it is right on a phone, and for a keyboard, without a line of ours. */
export const SelectField = forwardRef<HTMLSelectElement, Around & ComponentProps<"select">>(
  function SelectField({ label, hint, error, className, children, ...rest }, ref) {
    const id = useId();
    return (
      <Frame id={id} label={label} hint={hint} error={error}>
        <select
          {...rest}
          id={id}
          ref={ref}
          className={[styles.control, styles.select, className].filter(Boolean).join(" ")}
          aria-describedby={described(id, { label, hint, error })}
        >
          {children}
        </select>
      </Frame>
    );
  },
);

export const CheckField = forwardRef<
  HTMLInputElement,
  { label: ReactNode; hint?: ReactNode } & ComponentProps<"input">
>(function CheckField({ label, hint, ...rest }, ref) {
  const id = useId();
  return (
    <div className={styles.check}>
      <input {...rest} id={id} ref={ref} type="checkbox" aria-describedby={hint ? `${id}-hint` : undefined} />
      <label htmlFor={id}>{label}</label>
      {hint && (
        <p id={`${id}-hint`} className={styles.hint}>
          {hint}
        </p>
      )}
    </div>
  );
});

/** A search box; the page gives it the key `/`. */
export const SearchField = forwardRef<HTMLInputElement, { label: string } & ComponentProps<"input">>(
  function SearchField({ label, ...rest }, ref) {
    return (
      <label className={styles.search}>
        <Icon name="search" />
        <input {...rest} ref={ref} type="search" aria-label={label} data-search />
        <kbd>/</kbd>
      </label>
    );
  },
);
