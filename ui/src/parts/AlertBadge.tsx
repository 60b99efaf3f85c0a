import { useQuery } from "@tanstack/react-query";
import { alertSummary } from "../api/queries";
import { useFormat } from "../i18n/format";
import { useText } from "../i18n/text";
import util from "../ui/util.module.css";
import styles from "./AlertBadge.module.css";

/** How many alerts nobody has taken, beside the name of their page or on the corner of its icon. */
export function AlertBadge({ onIcon = false }: { onIcon?: boolean }) {
  const t = useText();
  const format = useFormat();
  const { data } = useQuery(alertSummary());
  if (!data || data.open === 0) return null;
  return (
    <span
      className={styles.badge}
      data-critical={data.critical > 0 || undefined}
      data-on-icon={onIcon || undefined}
    >
      <span aria-hidden="true">{data.open > 99 ? "99+" : format.count(data.open)}</span>
      <span className={util.sr}>{t("alert.badge", { count: data.open })}</span>
    </span>
  );
}
