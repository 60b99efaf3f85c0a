/** The stages of a connection test, as they come: milliseconds, finding, or cause and way out. */
import type { ReactNode } from "react";
import { failedStage, STAGES, type TestRun } from "../api/connectionTest";
import type { MissingRight, Stage, StageName } from "../api/types";
import { useFormat } from "../i18n/format";
import { type TextKey, useText, useTextIfKnown } from "../i18n/text";
import { CopyLine } from "../ui/CopyLine";
import { Icon } from "../ui/Icon";
import type { IconName } from "../ui/icons";
import { Status } from "../ui/Status";
import { useCodeText } from "./codeText";
import { useFinding } from "./finding";
import { ProblemNote } from "./ProblemNote";
import styles from "./StageList.module.css";

type Look = "passed" | "warning" | "failed" | "running" | "waiting" | "not_reached";
const ICON: Record<Look, IconName> = {
  passed: "check",
  warning: "triangle",
  failed: "cross",
  running: "spinner",
  waiting: "wait",
  not_reached: "wait",
};
const STAGE_WORDS: Record<StageName, TextKey> = {
  read: "stage.read",
  resolve: "stage.resolve",
  tcp: "stage.tcp",
  tls: "stage.tls",
  version: "stage.version",
  identity: "stage.identity",
  rights: "stage.rights",
  metrics: "stage.metrics",
  storage: "stage.storage",
};

function useStageWord(): (stage: StageName) => string {
  const t = useText();
  return (stage) => t(STAGE_WORDS[stage]);
}

function lookOf(run: TestRun, stage: StageName): Look {
  const ended = run.ended[stage];
  if (ended) return ended.outcome;
  if (run.running === stage) return "running";

  // A failure ends the test; its report may still be on its way.
  return run.phase === "running" && !failedStage(run) ? "waiting" : "not_reached";
}

/** Where a run is, in a word and a figure. */
export function RunStatus({ run }: { run: TestRun }) {
  const t = useText();
  const word = useStageWord();

  const warnings = STAGES.filter((it) => run.ended[it]?.outcome === "warning").length;
  if (run.phase === "passed") {
    return (
      <Status tone="ok" icon="check" small>
        {warnings > 0 ? t("test.passed_warnings", { count: warnings }) : t("test.passed")}
      </Status>
    );
  }
  const failed = failedStage(run);
  if (run.phase === "running" && !failed) {
    const at = run.running ?? STAGES.find((it) => !run.ended[it]) ?? "storage";
    return (
      <Status tone="act" icon="spinner" small>
        {t("test.at_stage", { stage: STAGES.indexOf(at) + 1, stages: STAGES.length })}
      </Status>
    );
  }
  return (
    <Status tone="down" icon="cross" small>
      {failed ? t("test.failed_at", { stage: word(failed.stage) }) : t("test.broken")}
    </Status>
  );
}

/** All stages: what passed, what runs, what stopped it, and what was not reached. */
export function StageList({ run, action }: { run: TestRun; action?: ReactNode }) {
  return (
    <>
      <div className={styles.progress} aria-hidden="true">
        {STAGES.map((stage) => (
          <span key={stage} data-look={lookOf(run, stage)} />
        ))}
      </div>
      {run.problem && <ProblemNote problem={run.problem} />}
      <ol className={styles.stages}>
        {STAGES.map((stage) => (
          <StageLine
            key={stage}
            name={stage}
            look={lookOf(run, stage)}
            stage={run.ended[stage]}
            action={action}
          />
        ))}
      </ol>
    </>
  );
}

function StageLine({
  name,
  look,
  stage,
  action,
}: {
  name: StageName;
  look: Look;
  stage: Stage | undefined;
  action: ReactNode;
}) {
  const t = useText();
  const format = useFormat();
  const word = useStageWord();
  const { cause, remedy } = useCodeText()(stage ?? {});
  const finding = useFinding()(stage);
  const opens = look === "failed" || look === "warning";
  const said =
    look === "running" || look === "waiting" || look === "not_reached" ? t(`test.${look}`) : (finding ?? "");
  return (
    <li className={styles.stage} data-look={look}>
      <span className={styles.icon}>
        <Icon name={ICON[look]} spin={look === "running"} />
      </span>
      <span className={styles.name}>{word(name)}</span>
      <span className={styles.finding}>{opens ? (finding ?? "") : said}</span>
      <span className={styles.time}>
        {look === "failed"
          ? stage?.code
          : stage?.duration_ms != null
            ? format.milliseconds(stage.duration_ms)
            : ""}
      </span>
      {opens && stage && (
        <div className={styles.open}>
          <dl>
            {cause && (
              <div>
                <dt>{t("test.cause")}</dt>
                <dd>{cause}</dd>
              </div>
            )}
            {look === "failed" && name === "tls" && stage.facts.names && (
              <div>
                <dd>{t("finding.tls_names", { names: stage.facts.names })}</dd>
              </div>
            )}
            {remedy && (
              <div>
                <dt>{t("test.remedy")}</dt>
                <dd>{remedy}</dd>
              </div>
            )}
          </dl>
          {stage.missing_rights.length > 0 && <MissingRights rights={stage.missing_rights} />}
          {stage.command && (
            <div>
              <p className={styles.see}>{t("test.command")}</p>
              <CopyLine text={stage.command} copyLabel={t("action.copy")} copiedLabel={t("action.copied")} />
            </div>
          )}
          {look === "failed" && action && <div className={styles.actions}>{action}</div>}
        </div>
      )}
    </li>
  );
}

/** Each right that is missing, and what does not work without it. */
export function MissingRights({ rights }: { rights: readonly MissingRight[] }) {
  const t = useText();
  const known = useTextIfKnown();
  const purpose = ({ verb, group, resource, purpose }: MissingRight) =>
    known(`right.${verb}.${group.startsWith("metrics") ? "metrics_" : ""}${resource}`) ?? purpose;
  return (
    <div className={styles.rights}>
      <ul>
        {rights.map((it) => (
          <li key={`${it.verb} ${it.group} ${it.resource}`}>
            <code>
              {it.verb} {it.resource}
              {it.group && `.${it.group}`}
            </code>
            <span>{purpose(it)}</span>
          </li>
        ))}
      </ul>
      <a href="/api/admin/rbac.yaml?for=monitor" download="nalabo-rbac.yaml">
        {t("rights.download")}
      </a>
    </div>
  );
}
