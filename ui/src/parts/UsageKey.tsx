import { useText } from "../i18n/text";
import styles from "./UsageKey.module.css";

/** What the parts of a gauge mean. */
export function UsageKey({ notches = false }: { notches?: boolean }) {
  const t = useText();
  return (
    <span className={styles.keys}>
      <span>
        <svg viewBox="0 0 18 10" aria-hidden="true">
          <rect y="1" width="18" height="8" rx="1" fill="var(--used)" />
        </svg>
        {t("resource.used")}
      </span>
      <span>
        <svg viewBox="0 0 18 10" aria-hidden="true">
          <path d="M9 -1v12" stroke="var(--req)" strokeWidth="2" />
        </svg>
        {t("resource.requested")}
      </span>
      <span>
        <svg viewBox="0 0 18 10" aria-hidden="true">
          <rect y="1" width="18" height="8" rx="1" fill="var(--track)" />
          {notches && <path d="M12 1v8M15 1v8" stroke="var(--paper)" />}
        </svg>
        {notches ? t("key.notches") : t("resource.allocatable")}
      </span>
    </span>
  );
}
