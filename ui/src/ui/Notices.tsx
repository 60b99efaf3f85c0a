/**
 * Short words after something was done: shown for a while, and read aloud politely.
 *
 * Promises: results of actions reach whoever does not see the place that changed. Does not: replace
 * an error beside its field.
 */
import { useSyncExternalStore } from "react";
import { Icon } from "./Icon";
import styles from "./Notices.module.css";

interface Notice {
  id: number;
  tone: "ok" | "down";
  text: string;
}

const SHOWN_MS = 6_000;
let notices: readonly Notice[] = [];
let last = 0;
const listeners = new Set<() => void>();

function set(next: readonly Notice[]) {
  notices = next;
  for (const tell of listeners) tell();
}

export function notify(text: string, tone: Notice["tone"] = "ok"): void {
  const id = ++last;
  set([...notices.slice(-2), { id, tone, text }]);
  setTimeout(() => set(notices.filter((it) => it.id !== id)), tone === "ok" ? SHOWN_MS : SHOWN_MS * 2);
}

export function Notices() {
  const shown = useSyncExternalStore(
    (tell) => {
      listeners.add(tell);
      return () => listeners.delete(tell);
    },
    () => notices,
  );
  return (
    <div className={styles.notices} role="status" aria-live="polite">
      {shown.map((it) => (
        <p key={it.id} className={styles.notice} data-tone={it.tone}>
          <Icon name={it.tone === "ok" ? "check" : "cross"} />
          {it.text}
        </p>
      ))}
    </div>
  );
}
