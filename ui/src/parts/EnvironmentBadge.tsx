import type { EnvironmentClass } from "../api/types";
import { type TextKey, useText } from "../i18n/text";
import styles from "./EnvironmentBadge.module.css";

/** In the order in which they matter. */
export const ENVIRONMENTS: readonly EnvironmentClass[] = ["production", "training", "staging", "lab"];
const ENVIRONMENT_WORDS: Record<EnvironmentClass, TextKey> = {
  production: "environment.production",
  staging: "environment.staging",
  training: "environment.training",
  lab: "environment.lab",
};

/** What an infrastructure is for. Production alone is solid; the word is always there. */
export function EnvironmentBadge({ environment }: { environment: EnvironmentClass }) {
  const t = useText();
  return (
    <span className={styles.badge} data-environment={environment}>
      {t(ENVIRONMENT_WORDS[environment])}
    </span>
  );
}
