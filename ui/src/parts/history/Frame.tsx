/** A chart before there is anything in it: the same place, the same height. */
import type { ReactNode } from "react";
import { problemOf } from "../../api/problem";
import { useText } from "../../i18n/text";
import { Button } from "../../ui/Button";
import { useProblemText } from "../ProblemNote";
import styles from "./History.module.css";

export function Frame({
  title,
  height = 168,
  dashed = false,
  children,
}: {
  title: string;
  height?: number | undefined;
  dashed?: boolean;
  children: ReactNode;
}) {
  return (
    <div className={styles.frame} aria-busy={children === null || undefined}>
      <h3>{title}</h3>
      <div className={styles.empty} data-dashed={dashed || undefined} style={{ minHeight: height }}>
        {children}
      </div>
    </div>
  );
}

export function FrameFailed({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  const t = useText();
  const { title, hint } = useProblemText()(problemOf(error));
  return (
    <div role="alert">
      <b>{title}</b>
      <p>{hint ?? t("face.again_by_itself")}</p>
      <Button size="s" icon="retry" onClick={onRetry}>
        {t("face.try_again")}
      </Button>
    </div>
  );
}
