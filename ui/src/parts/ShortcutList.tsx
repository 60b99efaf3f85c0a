import { useState } from "react";
import { type TextKey, useText } from "../i18n/text";
import { Button } from "../ui/Button";
import { Dialog, DialogFoot } from "../ui/Dialog";
import { CheckField } from "../ui/Field";
import styles from "./ShortcutList.module.css";
import { shortcutsOn, shortcutsSwitch } from "./shortcuts";

const KEYS: readonly { keys: readonly string[]; word: TextKey }[] = [
  { keys: ["/"], word: "shortcut.search" },
  { keys: ["g", "o"], word: "shortcut.overview" },
  { keys: ["g", "i"], word: "shortcut.infrastructures" },
  { keys: ["g", "r"], word: "shortcut.resources" },
  { keys: ["g", "e"], word: "shortcut.environments" },
  { keys: ["g", "w"], word: "shortcut.workshops" },
  { keys: ["g", "a"], word: "shortcut.alerts" },
  { keys: ["g", "u"], word: "shortcut.audit" },
  { keys: ["t"], word: "shortcut.test" },
  { keys: ["?"], word: "shortcut.list" },
  { keys: ["Esc"], word: "shortcut.close" },
];

/** The keys, and the switch that turns single letters off. */
export default function ShortcutList({ onClose }: { onClose: () => void }) {
  const t = useText();
  const [on, setOn] = useState(shortcutsOn);
  return (
    <Dialog open onClose={onClose} title={t("shortcut.title")}>
      <dl className={styles.keys}>
        {KEYS.map(({ keys, word }) => (
          <div key={word}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{t(word)}</dd>
          </div>
        ))}
      </dl>
      <CheckField
        label={t("shortcut.switch")}
        hint={t("shortcut.switch_hint")}
        checked={on}
        onChange={(event) => {
          setOn(event.target.checked);
          shortcutsSwitch(event.target.checked);
        }}
      />
      <DialogFoot>
        <Button onClick={onClose}>{t("action.close")}</Button>
      </DialogFoot>
    </Dialog>
  );
}
