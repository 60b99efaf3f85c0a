/** What every view of the participant's page is made of; the console's own parts bring its router along. */
import {
  type ComponentProps,
  type ReactNode,
  useId,
  useLayoutEffect,
  useRef,
  useSyncExternalStore,
} from "react";
import type { ApiProblem } from "../api/problem";
import { languageChoose, useLanguage } from "../i18n/language";
import button from "../ui/Button.module.css";
import field from "../ui/Field.module.css";
import { Icon } from "../ui/Icon";
import type { IconName } from "../ui/icons";
import { Segmented } from "../ui/Segmented";
import { useCopied } from "../ui/useCopied";
import styles from "./parts.module.css";
import { problemWords } from "./portal";
import { useText } from "./text";

type ButtonProps = Omit<ComponentProps<"button">, "disabled"> & {
  "data-first"?: boolean;
  look?: "default" | "primary" | "ghost" | "danger";
  icon?: IconName;
  busy?: boolean;
  /** It cannot be used now: it keeps its place and the focus, and its label says why. */
  isOff?: boolean;
};

export function Button({
  look = "default",
  icon,
  busy = false,
  isOff = false,
  className,
  onClick,
  children,
  type = "button",
  ...rest
}: ButtonProps) {
  const off = busy || isOff;
  return (
    <button
      {...rest}
      type={type}
      className={[button.button, button[look], button.m, styles.button, className].filter(Boolean).join(" ")}
      aria-disabled={off || undefined}
      aria-busy={busy || undefined}
      // A form must not be sent by a button that is off, so the click stops here.
      onClick={off ? (event) => event.preventDefault() : onClick}
    >
      {busy ? <Icon name="spinner" spin /> : icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

/** A line to paste elsewhere. */
export function CopyLine({ text, label }: { text: string; label: string }) {
  const t = useText();
  const { copied, copy } = useCopied(text);
  return (
    <div className={styles.line}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long command scrolls, also by keyboard. */}
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
      <Button look="ghost" icon={copied ? "tick" : "copy"} onClick={copy} aria-label={label}>
        {copied ? t("page.copied") : t("page.copy")}
      </Button>
    </div>
  );
}

/** A layer that takes the focus and gives it back to where it came from. */
export function Dialog({
  title,
  onClose,
  children,
}: {
  title: string;
  onClose: () => void;
  children: ReactNode;
}) {
  const ref = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  const t = useText();
  useLayoutEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    // Not the button that closes: what the dialog is for.
    dialog?.querySelector<HTMLElement>("[data-first]")?.focus();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={ref}
      className={styles.dialog}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <div className={styles.dialogHead}>
        <h2 id={titleId}>{title}</h2>
        <Button look="ghost" icon="close" onClick={onClose} aria-label={t("page.close")} />
      </div>
      {children}
    </dialog>
  );
}

/** A labelled field, what it is for, and what is wrong with it. */
export function Field({
  label,
  hint,
  error,
  ...input
}: { label: string; hint?: string; error?: string | null } & ComponentProps<"input">) {
  const id = useId();
  return (
    <div className={field.frame}>
      <label className={field.label} htmlFor={id}>
        {label}
      </label>
      <input
        {...input}
        id={id}
        className={`${field.control} ${styles.control} ${input.className ?? ""}`}
        aria-invalid={error ? true : undefined}
        aria-describedby={`${id}-hint`}
      />
      <p id={`${id}-hint`} className={error ? field.error : field.hint}>
        {error && <Icon name="triangle" size={12} />}
        {error ?? hint}
      </p>
    </div>
  );
}

/** What was refused, in plain words, with what to do next. */
export function ProblemBand({ problem, onRetry }: { problem: ApiProblem; onRetry?: () => void }) {
  const t = useText();
  const { what, next, request } = problemWords(t, problem);
  return (
    <div role="alert" className={styles.band} data-tone="down">
      <Icon name="triangle" />
      <p>
        <b>{what}</b> {next}
        {request && <span className={styles.request}>{t("page.request", { id: request })}</span>}
      </p>
      {onRetry && (
        <Button icon="retry" onClick={onRetry}>
          {t("page.try_again")}
        </Button>
      )}
    </div>
  );
}

/** Something that concerns the whole page. */
export function Band({
  tone,
  icon,
  title,
  children,
}: {
  tone: "plain" | "accent" | "ok" | "warn" | "down";
  icon: IconName;
  title?: string;
  children: ReactNode;
}) {
  return (
    <div className={styles.band} data-tone={tone}>
      <Icon name={icon} />
      <div className={styles.bandText}>
        {title && <b>{title}</b>}
        <p>{children}</p>
      </div>
    </div>
  );
}

export function LanguageSwitch() {
  const t = useText();
  const language = useLanguage();
  return (
    <Segmented
      label={t("page.language")}
      value={language}
      options={[
        { value: "fr", label: <span lang="fr">Français</span> },
        { value: "en", label: <span lang="en">English</span> },
      ]}
      onChoose={languageChoose}
    />
  );
}

/** Whether the window is as `query` says. */
export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (tell) => {
      const media = window.matchMedia(query);
      media.addEventListener("change", tell);
      return () => media.removeEventListener("change", tell);
    },
    () => window.matchMedia(query).matches,
  );
}
