import { useState } from "react";
import type { WorkshopSession } from "../../api/workshops";
import { useText } from "../../i18n/text";
import { Button } from "../../ui/Button";
import styles from "./JoinLine.module.css";

/** How people come in: the link to send and the code to write on the wall, each to be copied. */
export function JoinLine({ session: { join_url, code } }: { session: WorkshopSession }) {
  const t = useText();
  return (
    <dl className={styles.join}>
      <div>
        <dt>{t("board.code")}</dt>
        <dd>
          <b className={styles.code}>{code}</b>
          <Copy text={code} label={t("board.copy_code")} />
        </dd>
      </div>
      <div className={styles.grow}>
        <dt>{t("board.link")}</dt>
        <dd>
          <a href={join_url} target="_blank" rel="noopener" className={styles.link}>
            {join_url}
          </a>
          <Copy text={join_url} label={t("board.copy_link")} />
        </dd>
      </div>
    </dl>
  );
}

const COPIED_SHOWN_MS = 2_000;

function Copy({ text, label }: { text: string; label: string }) {
  const t = useText();
  const [copied, setCopied] = useState(false);
  return (
    <Button
      look="ghost"
      size="s"
      iconOnly
      icon={copied ? "tick" : "copy"}
      onClick={() => {
        // Refused without https or by policy: the text stays selectable, so nothing is lost.
        void navigator.clipboard?.writeText(text).then(
          () => {
            setCopied(true);
            setTimeout(() => setCopied(false), COPIED_SHOWN_MS);
          },
          () => {},
        );
      }}
    >
      {copied ? t("action.copied") : label}
    </Button>
  );
}
