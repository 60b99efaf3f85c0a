import type { InfrastructureState, Inventory, InfrastructureStatus as StatusView } from "../api/types";
import { useFormat } from "../i18n/format";
import { useLanguage } from "../i18n/language";
import { useNow } from "../i18n/now";
import { useText, useTextIfKnown } from "../i18n/text";
import { Icon } from "../ui/Icon";
import { Status } from "../ui/Status";
import { TipTrigger } from "../ui/Tip";
import styles from "./InfrastructureStatus.module.css";
import { STATES } from "./state";

/** The state, as icon and word. While a check runs the old state stays, with a spinner beside it. */
export function InfrastructureStatus({
  state,
  checking = false,
  pill = false,
}: {
  state: InfrastructureState;
  checking?: boolean;
  pill?: boolean;
}) {
  const t = useText();
  const face = STATES[state];
  return (
    <span className={styles.line}>
      <Status tone={face.tone} icon={face.icon} pill={pill}>
        {t(face.word)}
      </Status>
      {checking && (
        <TipTrigger
          content={t("state.checking")}
          render={
            <span className={styles.checking} role="img" aria-label={t("state.checking")}>
              <Icon name="spinner" spin size={12} />
            </span>
          }
        />
      )}
    </span>
  );
}

type Reasoned = Pick<StatusView, "state" | "reason" | "detail" | "since"> & { latency_ms?: number | null };
type Nodes = Pick<Inventory, "nodes_ready" | "nodes_total">;

/** Why it is so, in the reader's language where the reason has a code the console knows. */
export function useReason(): (status: Reasoned, nodes?: Nodes | null) => string | null {
  const t = useText();
  const format = useFormat();
  const known = useTextIfKnown();
  return ({ reason, detail, latency_ms }, nodes) => {
    if (reason === "nodes_not_ready" && nodes && nodes.nodes_ready < nodes.nodes_total) {
      const unready = nodes.nodes_total - nodes.nodes_ready;
      return t("reason.nodes_not_ready_of", { unready, total: nodes.nodes_total });
    }
    if (reason === "slow" && latency_ms != null) {
      return t("reason.slow_of", { latency: format.milliseconds(latency_ms) });
    }
    return (reason && known(`reason.${reason}`)) || detail || reason || null;
  };
}

/**
 * What the server says beyond the reason. Its sentences are English: another language has the cause
 * by its code, or nothing that the reason has not said.
 */
export function useDetail(): (status: Pick<Reasoned, "reason" | "detail">) => string | null {
  const known = useTextIfKnown();
  const language = useLanguage();
  return ({ reason, detail }) => {
    if (language === "en" || !detail) return detail ?? null;
    return (reason && known(`code.${reason}.cause`)) || (reason && known(`reason.${reason}`) ? null : detail);
  };
}

/** Reason and since when: "No answer in time since 14:02 (7 min)". */
export function ReasonLine({ status, nodes }: { status: Reasoned; nodes?: Nodes | null | undefined }) {
  const t = useText();
  const format = useFormat();
  const now_ms = useNow();
  const reason = useReason()(status, nodes);
  const detail = useDetail()(status);
  if (status.state === "healthy" || !reason) return null;
  const slots = {
    reason,
    since: format.moment(status.since, now_ms),
    duration: format.duration((now_ms - Date.parse(status.since)) / 1_000),
  };
  const line = <span className={styles.reason}>{t("status.reason_since", slots)}</span>;
  return detail ? <TipTrigger content={detail} render={line} /> : line;
}

/** How long ago: "6 s ago"; what is older than it should be says its hour as well. */
export function Age({ at, old = false }: { at: string | null | undefined; old?: boolean }) {
  const t = useText();
  const format = useFormat();
  const now_ms = useNow();
  if (at == null) return <span>{t("age.never")}</span>;
  const age = format.duration((now_ms - Date.parse(at)) / 1_000);
  return (
    <time dateTime={at} className={styles.age} data-old={old || undefined}>
      {t("age.ago", { age })}
      {old && <span className={styles.asOf}>{t("age.as_of", { moment: format.moment(at, now_ms) })}</span>}
    </time>
  );
}
