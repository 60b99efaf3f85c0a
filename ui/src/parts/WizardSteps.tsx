import { type TextKey, useText } from "../i18n/text";
import { Icon } from "../ui/Icon";
import styles from "./WizardSteps.module.css";
import { chosenOf, passedOf, STEPS, type Step, type WizardState } from "./wizard";

const WORDS: Record<Step, TextKey> = {
  source: "wizard.step_source",
  contexts: "wizard.step_contexts",
  test: "wizard.step_test",
  describe: "wizard.step_describe",
};

/** Where the wizard is, what is behind, and what is ahead. */
export function WizardSteps({ state }: { state: WizardState }) {
  const t = useText();
  const now = STEPS.indexOf(state.step);
  const shown = STEPS.filter((step) => step !== "contexts" || state.way === "kubeconfig");
  const said: Record<Step, string> = {
    source: t(now > 0 ? "wizard.said_source_done" : "wizard.said_source"),
    contexts:
      now > 0
        ? t("wizard.said_contexts", { chosen: chosenOf(state).length, count: state.candidates.length })
        : "",
    test: now > 2 ? t("wizard.said_test", { passed: passedOf(state).length }) : "",
    describe: t("wizard.said_describe"),
  };
  return (
    <ol className={styles.steps} aria-label={t("wizard.steps")}>
      {shown.map((step) => {
        const place = STEPS.indexOf(step);
        const look = place < now ? "done" : place === now ? "now" : "ahead";
        return (
          <li key={step} data-look={look} aria-current={look === "now" ? "step" : undefined}>
            <Icon name={look === "done" ? "check" : look === "now" ? "live" : "wait"} />
            {t(WORDS[step])}
            {said[step] && <small>{said[step]}</small>}
          </li>
        );
      })}
    </ol>
  );
}
