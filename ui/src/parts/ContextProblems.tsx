import type { ParsedContext } from "../api/types";
import { useText } from "../i18n/text";
import { CopyLine } from "../ui/CopyLine";
import styles from "./ContextProblems.module.css";
import { useCodeText } from "./codeText";

/** Why a context cannot be used, where that stands in the file, and the way out. */
export function ContextProblems({ context }: { context: ParsedContext }) {
  const t = useText();
  const codeText = useCodeText();
  return (
    <div className={styles.problems}>
      {context.problems.map((it) => {
        const { cause, remedy } = codeText(it);
        return (
          <div key={`${it.code} ${it.path ?? ""}`} className={styles.problem}>
            <div>
              <b>{cause}</b> {it.path && <code className={styles.path}>{it.path}</code>}
              <p>{remedy}</p>
              {it.command?.includes("nalabo-rbac.yaml") && (
                <a href="/api/admin/rbac.yaml?for=monitor" download="nalabo-rbac.yaml">
                  {t("rights.download")}
                </a>
              )}
            </div>
            {it.command && (
              <CopyLine text={it.command} copyLabel={t("action.copy")} copiedLabel={t("action.copied")} />
            )}
          </div>
        );
      })}
    </div>
  );
}
