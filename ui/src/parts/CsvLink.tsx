import { useText } from "../i18n/text";
import { Icon } from "../ui/Icon";
import styles from "./CsvLink.module.css";

/** What is shown, as a file. The server writes it, with the filter of the page. */
export function CsvLink({ href }: { href: string }) {
  const t = useText();
  return (
    <a className={styles.csv} href={href} download>
      <Icon name="download" /> {t("csv.link")}
    </a>
  );
}
