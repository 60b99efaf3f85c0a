import type { Board } from "../../api/workshops";
import { sessionCsv } from "../../api/workshops";
import { useFormat } from "../../i18n/format";
import { useText } from "../../i18n/text";
import { Section } from "../../ui/Page";
import { CsvLink } from "../CsvLink";
import styles from "./ReportSection.module.css";

/** How it went: who came, what failed, and how often something was tried again. */
export function ReportSection({ board: { session, seats } }: { board: Board }) {
  const t = useText();
  const format = useFormat();
  const joined = seats.filter((it) => it.joined_at !== null).length;
  const again = seats.filter((it) => it.attempts > 1).length;
  const failed = seats.filter((it) => it.state === "failed").length;
  const end = session.closed_at ?? session.ends_at;
  const seconds = (Date.parse(end) - Date.parse(session.starts_at)) / 1_000;
  const facts: [string, string][] = [
    [
      t("report.joined"),
      t("session.seats_of", { joined: format.count(joined), seats: format.count(session.seats) }),
    ],
    [t("report.absent"), format.count(seats.length - joined)],
    [t("report.again"), format.count(again)],
    [t("report.failed"), format.count(failed)],
    [t("report.lasted"), format.duration(seconds)],
  ];
  return (
    <Section title={t("report.title")} end={<CsvLink href={sessionCsv(session.id)} />}>
      <dl className={styles.facts}>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </Section>
  );
}
