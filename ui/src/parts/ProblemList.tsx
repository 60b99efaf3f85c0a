import { Link } from "@tanstack/react-router";
import type { ProblemRow } from "../api/types";
import { useFormat } from "../i18n/format";
import { useNow } from "../i18n/now";
import { useText } from "../i18n/text";
import { ButtonLink } from "../ui/Button";
import { Status } from "../ui/Status";
import { EnvironmentBadge } from "./EnvironmentBadge";
import { StateStrip } from "./history/StateStrip";
import { InfrastructureStatus, ReasonLine } from "./InfrastructureStatus";
import { useMay } from "./may";
import styles from "./ProblemList.module.css";

/** What is wrong, worst first, each with the button that mends it. */
export function ProblemList({ problems }: { problems: readonly ProblemRow[] }) {
  const t = useText();
  if (problems.length === 0) {
    return (
      <div className={styles.calm}>
        <Status tone="ok" icon="check">
          {t("overview.no_problems")}
        </Status>
        <p>{t("overview.no_problems_text")}</p>
      </div>
    );
  }
  return (
    <ul className={styles.list}>
      {problems.map((it) => (
        <li key={it.id} className={styles.problem}>
          <InfrastructureStatus state={it.state} />
          <span className={styles.name}>
            <Link to="/admin/infrastructures/$id" params={{ id: it.id }}>
              {it.name}
            </Link>
            <EnvironmentBadge environment={it.environment} />
          </span>
          {it.strip && (
            <span className={styles.strip}>
              <StateStrip strip={it.strip} />
            </span>
          )}
          <Remedy problem={it} />
          <span className={styles.why}>
            <ReasonLine status={it} />
            <LastSuccess at={it.last_success_at} />
          </span>
        </li>
      ))}
    </ul>
  );
}

function LastSuccess({ at }: { at: string | null | undefined }) {
  const t = useText();
  const format = useFormat();
  const now_ms = useNow();
  return (
    <span className={styles.last}>
      {at ? t("problem.last_success", { moment: format.moment(at, now_ms) }) : t("problem.no_success")}
    </span>
  );
}

/** The step that mends this kind of trouble. Whoever may not take it is still led to the page. */
function Remedy({ problem: { id, name, state } }: { problem: ProblemRow }) {
  const t = useText();
  const may = useMay();
  const link = { to: "/admin/infrastructures/$id", params: { id }, size: "s" } as const;
  if (state === "auth_failed" && may("infrastructure_write")) {
    return (
      <ButtonLink {...link} search={{ do: "replace" }} aria-label={t("remedy.replace_for", { name })}>
        {t("remedy.replace")}
      </ButtonLink>
    );
  }
  if (state === "forbidden") {
    return (
      <ButtonLink {...link} hash="rights" aria-label={t("remedy.rbac_for", { name })}>
        {t("remedy.rbac")}
      </ButtonLink>
    );
  }
  if (state !== "degraded" && may("infrastructure_test")) {
    return (
      <ButtonLink {...link} search={{ do: "test" }} aria-label={t("remedy.test_for", { name })}>
        {t("remedy.test")}
      </ButtonLink>
    );
  }
  return (
    <ButtonLink {...link} aria-label={t("remedy.open_for", { name })}>
      {t("remedy.open")}
    </ButtonLink>
  );
}
