/** What the trainer wrote, in the reader's language when it is there, and in the other one on request. */
import { useState } from "react";
import { useLanguage } from "../i18n/language";
import { Markdown } from "../ui/markdown";
import { Segmented } from "../ui/Segmented";
import util from "../ui/util.module.css";
import styles from "./Instructions.module.css";
import { instructionsIn, type PortalView } from "./portal";
import { useText } from "./text";

export function Instructions({
  written,
  title,
  isTitleHidden = false,
  onRun,
}: {
  written: PortalView["instructions"];
  title: string;
  /** Where the tab says it already. */
  isTitleHidden?: boolean;
  onRun?: (command: string) => void;
}) {
  const t = useText();
  const language = useLanguage();
  const [chosen, setChosen] = useState<"en" | "fr" | null>(null);
  const shown = instructionsIn(written, chosen ?? language);
  const hasBoth = Boolean(written.en?.trim() && written.fr?.trim());
  return (
    <div className={styles.instructions}>
      <div className={styles.bar}>
        <h2 className={isTitleHidden ? util.sr : undefined}>{title}</h2>
        {hasBoth && shown && (
          <Segmented
            small
            label={t("work.instructions_language")}
            value={shown}
            options={[
              { value: "fr", label: <span lang="fr">Français</span> },
              { value: "en", label: <span lang="en">English</span> },
            ]}
            onChoose={setChosen}
          />
        )}
      </div>
      {shown && (
        <div lang={shown}>
          <Markdown
            text={written[shown] ?? ""}
            words={{ copy: t("page.copy"), copied: t("page.copied"), run: t("work.run") }}
            onRun={onRun}
            top={3}
          />
        </div>
      )}
    </div>
  );
}
