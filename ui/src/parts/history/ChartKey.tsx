import { useText } from "../../i18n/text";
import { Swatch } from "../../ui/chart/Swatch";
import styles from "./History.module.css";

/** What each kind of line means, the same on every chart. */
export function ChartKey() {
  const t = useText();
  return (
    <span className={styles.key}>
      {(["used", "requested", "allocatable"] as const).map((look) => (
        <span key={look}>
          <Swatch look={look} />
          {t(`line.${look}`)}
        </span>
      ))}
    </span>
  );
}
