import { useState } from "react";
import { Button } from "./Button";
import styles from "./CopyLine.module.css";

/** A command to paste into one's own terminal. */
export function CopyLine({
  text,
  copyLabel,
  copiedLabel,
}: {
  text: string;
  copyLabel: string;
  copiedLabel: string;
}) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    // Refused without https or by policy: the text stays selectable, so nothing is lost.
    await navigator.clipboard?.writeText(text).then(
      () => setCopied(true),
      () => {},
    );
    setTimeout(() => setCopied(false), 2_000);
  };
  return (
    <div className={styles.line}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long command scrolls, also by keyboard. */}
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
      <Button look="ghost" size="s" iconOnly icon={copied ? "tick" : "copy"} onClick={copy}>
        {copied ? copiedLabel : copyLabel}
      </Button>
    </div>
  );
}
