import { Button } from "./Button";
import styles from "./CopyLine.module.css";
import { useCopied } from "./useCopied";

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
  const { copied, copy } = useCopied(text);
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
