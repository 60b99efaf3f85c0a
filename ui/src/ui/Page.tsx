import { type ReactNode, useEffect, useRef } from "react";
import styles from "./Page.module.css";

/** The name of the product stands after the name of the page. */
const PRODUCT = "NALABO";

/**
 * The head of a page: its h1, and the sentence that answers its question.
 * On the page of one object the name takes the place of the sentence (`titleIsAnswer`).
 */
export function PageHead({
  title,
  crumb,
  answer,
  titleRow,
  actions,
  heading,
}: {
  /** The plain name, for the window and for whoever listens. */
  title: string;
  crumb?: ReactNode;
  answer?: ReactNode;
  /** What stands beside a title that is itself the answer. */
  titleRow?: ReactNode;
  actions?: ReactNode;
  heading?: "small" | "large";
}) {
  const h1 = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · ${PRODUCT}`;
  }, [title]);
  const large = heading === "large";
  return (
    <div className={styles.head}>
      <div className={styles.words}>
        {large && crumb && <div className={styles.crumb}>{crumb}</div>}
        <div className={large ? styles.titleRow : styles.crumb}>
          {!large && crumb}
          <h1 ref={h1} tabIndex={-1} data-page-heading className={large ? styles.large : styles.small}>
            {title}
          </h1>
          {titleRow}
        </div>
        {answer && <p className={styles.answer}>{answer}</p>}
      </div>
      {actions && <div className={styles.actions}>{actions}</div>}
    </div>
  );
}

/** A section that hangs from a hairline. */
export function Section({
  title,
  note,
  end,
  id,
  children,
}: {
  title: ReactNode;
  note?: ReactNode;
  end?: ReactNode;
  id?: string;
  children: ReactNode;
}) {
  return (
    <section className={styles.section} id={id}>
      <div className={styles.sectionHead}>
        <h2>{title}</h2>
        {note && <span className={styles.note}>{note}</span>}
        {end && <span className={styles.end}>{end}</span>}
      </div>
      {children}
    </section>
  );
}
