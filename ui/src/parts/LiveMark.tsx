import { useLiveState } from "../api/events";
import { useFormat } from "../i18n/format";
import { useNow } from "../i18n/now";
import { useText } from "../i18n/text";
import { Icon } from "../ui/Icon";
import styles from "./LiveMark.module.css";

/** Whether the page follows the server, and of when its figures are. */
export function LiveMark({ at, failed }: { at: string; failed: boolean }) {
  const t = useText();
  const format = useFormat();
  const live = useLiveState();
  const now_ms = useNow();
  const age = format.duration((now_ms - Date.parse(at)) / 1_000);
  const ok = live === "live" && !failed;
  return (
    <span className={styles.mark} data-live={ok || undefined}>
      <Icon name={ok ? "live" : "clock"} />
      {ok ? t("live.on", { age }) : t(live === "connecting" ? "live.connecting" : "live.lost", { age })}
    </span>
  );
}
