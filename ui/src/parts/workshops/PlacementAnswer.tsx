/** Where so many environments would go, and what stops the next one; asked again while people type. */
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useEffect, useState } from "react";
import { problemOf } from "../../api/problem";
import {
  type PlacementAsk,
  type PlacementPreview,
  placementPreview,
  type Rejected,
} from "../../api/workshops";
import { useFormat } from "../../i18n/format";
import { useText } from "../../i18n/text";
import { Skeleton } from "../../ui/Faces";
import { Status } from "../../ui/Status";
import { ProblemNote } from "../ProblemNote";
import styles from "./PlacementAnswer.module.css";
import { usePlacementResource, useRejectionText } from "./rejectionText";

/** How long typing rests before it is asked. */
const TYPING_MS = 400;

/** `value` as it was when it last stood still for a moment. */
function useRested<Value>(value: Value): Value {
  const [rested, setRested] = useState(value);
  const written = JSON.stringify(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(JSON.parse(written) as Value), TYPING_MS);
    return () => clearTimeout(timer);
  }, [written]);
  return rested;
}

export function PlacementAnswer({ ask, before }: { ask: PlacementAsk | null; before?: ReactNode }) {
  const t = useText();
  const rested = useRested(ask);
  const preview = useQuery(placementPreview(rested));
  // An old answer beside a new question would be believed.
  const isAsking = preview.isFetching || JSON.stringify(rested) !== JSON.stringify(ask);
  return (
    <div className={styles.answer} aria-busy={isAsking || undefined}>
      {before}
      {ask === null ? (
        <p className={styles.small}>{t("placement.not_yet")}</p>
      ) : preview.isError ? (
        <ProblemNote problem={problemOf(preview.error)} />
      ) : preview.data ? (
        <Answer preview={preview.data} old={isAsking} />
      ) : (
        <Skeleton rows={3} height={48} label={t("face.loading")} />
      )}
    </div>
  );
}

function Answer({
  preview: { asked, placed, targets, rejected, next },
  old,
}: {
  preview: PlacementPreview;
  old: boolean;
}) {
  const t = useText();
  const format = useFormat();
  const resourceText = usePlacementResource();
  return (
    <div className={styles.body} data-old={old || undefined}>
      <div role="status">
        <Status
          tone={placed >= asked ? "ok" : placed === 0 ? "down" : "warn"}
          icon={placed >= asked ? "check" : placed === 0 ? "cross" : "triangle"}
        >
          {placed >= asked ? t("placement.all_fit", { asked }) : t("placement.some_fit", { placed, asked })}
        </Status>
      </div>
      <ul className={styles.targets}>
        {targets.map((it) => (
          <li key={it.id}>
            <b>{it.name}</b>
            <b className={styles.count}>+{format.count(it.count)}</b>
            <span className={styles.bar} aria-hidden="true">
              <span style={{ width: `${Math.min(100, Math.max(0, 100 - it.free_percent))}%` }} />
            </span>
            <span className={styles.small}>
              {t("placement.left", {
                resource: resourceText(it.tightest),
                free: format.permille(Math.max(0, it.free_percent) * 10),
              })}
            </span>
          </li>
        ))}
      </ul>
      {next.length > 0 && (
        <div className={styles.stop}>
          <Status tone="down" icon="cross" small>
            {t("placement.next_nowhere", { number: placed + 1 })}
          </Status>
          <Reasons of={next} />
        </div>
      )}
      {next.length === 0 && rejected.length > 0 && (
        <details className={styles.rest}>
          <summary>{t("placement.rejected", { count: rejected.length })}</summary>
          <Reasons of={rejected} />
        </details>
      )}
    </div>
  );
}

/** Infrastructures, each with all that was against it. */
export function Reasons({ of }: { of: readonly Rejected[] }) {
  const rejectionText = useRejectionText();
  return (
    <dl className={styles.reasons}>
      {of.map(({ id, name, reasons }) => (
        <div key={id}>
          <dt>{name}</dt>
          <dd>
            {reasons.map((it) => (
              <span key={JSON.stringify(it)}>{rejectionText(it)}</span>
            ))}
          </dd>
        </div>
      ))}
    </dl>
  );
}
