import { useFormat } from "../../i18n/format";
import { useNow } from "../../i18n/now";
import { useText } from "../../i18n/text";
import { Icon } from "../../ui/Icon";
import styles from "./Countdown.module.css";
import { countdownOf } from "./words";

/** A class has hundreds of these: they move together, and not each second. */
const STEP_MS = 5_000;

/** How long something still lasts; amber under half an hour, red under ten minutes, and with a sign. */
export function Countdown({ at }: { at: string | null | undefined }) {
  const t = useText();
  const format = useFormat();
  const now_ms = useNow(STEP_MS);
  if (at == null) return <span>—</span>;
  const { seconds, level } = countdownOf(at, now_ms);
  return (
    <time dateTime={at} className={styles.countdown} data-level={level} title={format.exactly(at)}>
      {(level === "soon" || level === "last") && <Icon name="clock" size={12} />}
      {level === "over" ? t("countdown.over") : t("countdown.left", { duration: format.duration(seconds) })}
    </time>
  );
}
