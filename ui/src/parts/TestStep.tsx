import { useText } from "../i18n/text";
import { Button } from "../ui/Button";
import { CheckField } from "../ui/Field";
import { Icon } from "../ui/Icon";
import { RunStatus, StageList } from "./StageList";
import styles from "./TestStep.module.css";
import { TestTime } from "./TestTime";
import { WizardFoot } from "./WizardFoot";
import { type Candidate, chosenOf, failedOf, keptOf, runningOf, type WizardState } from "./wizard";

/** All chosen ones, tested side by side, each stage as it ends. */
export function TestStep({
  state,
  onAnyway,
  onRetry,
  onBack,
  onContinue,
}: {
  state: WizardState;
  onAnyway: (key: string, anyway: boolean) => void;
  onRetry: (candidates: readonly Candidate[]) => void;
  onBack: () => void;
  onContinue: () => void;
}) {
  const t = useText();
  const chosen = chosenOf(state);
  const running = runningOf(state).length;
  const failed = failedOf(state);
  const kept = keptOf(state).length;
  const whyNot =
    running > 0 ? t("test.why_not_running", { count: running }) : kept === 0 ? t("test.why_not_none") : null;
  return (
    <>
      <div className={styles.runs} data-many={chosen.length > 1 || undefined}>
        {chosen.map(
          (it) =>
            it.run && <Run key={it.key} candidate={it} onAnyway={onAnyway} onRetry={() => onRetry([it])} />,
        )}
      </div>
      <WizardFoot
        back={<Button onClick={onBack}>{t("action.back")}</Button>}
        note={whyNot ?? t("wizard.nothing_saved")}
      >
        {failed.length > 1 && running === 0 && (
          <Button icon="retry" onClick={() => onRetry(failed)}>
            {t("test.retry_failed", { count: failed.length })}
          </Button>
        )}
        <Button look="primary" whyNot={whyNot} onClick={onContinue}>
          {t("test.continue", { count: kept })}
          <Icon name="arrow" />
        </Button>
      </WizardFoot>
    </>
  );
}

function Run({
  candidate: it,
  onAnyway,
  onRetry,
}: {
  candidate: Candidate;
  onAnyway: (key: string, anyway: boolean) => void;
  onRetry: () => void;
}) {
  const t = useText();
  const { run } = it;
  if (!run) return null;
  const ended = run.phase === "failed" || run.phase === "broken";
  return (
    <section className={styles.run} aria-label={t("test.of", { name: it.key })}>
      <h2>
        <span className={styles.name}>{it.key}</span>
        <RunStatus run={run} />
      </h2>
      <p className={styles.time}>
        <TestTime begun_ms={run.begun_ms} running={run.phase === "running"} />
      </p>
      <StageList run={run} />
      {ended && (
        <div className={styles.after}>
          <Button size="s" icon="retry" onClick={onRetry}>
            {t("test.again")}
          </Button>
          <CheckField
            label={t("test.anyway")}
            hint={t("test.anyway_hint")}
            checked={it.anyway}
            onChange={(event) => onAnyway(it.key, event.target.checked)}
          />
        </div>
      )}
    </section>
  );
}
