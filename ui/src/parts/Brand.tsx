import styles from "./Brand.module.css";

/** The mark and the name. */
export function Brand() {
  return (
    <span className={styles.brand}>
      <svg viewBox="0 0 20 20" aria-hidden="true">
        <path d="M3 17V7M17 3v10" stroke="currentColor" strokeWidth="2.6" />
        <path d="M3 4.2 17 15.8" stroke="var(--accent)" strokeWidth="2.6" />
      </svg>
      NALABO
    </span>
  );
}
