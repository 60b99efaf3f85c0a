import { useQuery } from "@tanstack/react-query";
import { problemOf } from "../../api/problem";
import { sessionCsv, sessionReport, type WorkshopSession } from "../../api/workshops";
import { useFormat } from "../../i18n/format";
import { useText } from "../../i18n/text";
import { Skeleton } from "../../ui/Faces";
import { Section } from "../../ui/Page";
import { CsvLink } from "../CsvLink";
import { ProblemNote } from "../ProblemNote";
import styles from "./ReportSection.module.css";

/** How it went: who came, how long they waited, what failed, and how much was used. */
export function ReportSection({ session }: { session: WorkshopSession }) {
  const t = useText();
  const format = useFormat();
  const { data: it, isPending, error } = useQuery(sessionReport(session.id));
  const end = session.closed_at ?? session.ends_at;
  const lasted = (Date.parse(end) - Date.parse(session.starts_at)) / 1_000;
  const duration = (seconds: number | null | undefined) => (seconds == null ? "—" : format.duration(seconds));
  const facts: [string, string][] = it
    ? [
        [
          t("report.joined"),
          t("session.seats_of", { joined: format.count(it.joined), seats: format.count(session.seats) }),
        ],
        [t("report.environments"), format.count(it.environments_total)],
        [t("report.failed"), format.count(it.environments_failed)],
        [t("report.median"), duration(it.start_seconds_median)],
        [t("report.max"), duration(it.start_seconds_max)],
        [t("report.used"), t("report.hours", { hours: format.number(it.used_hours) })],
        [t("report.lasted"), format.duration(Math.max(0, lasted))],
      ]
    : [];
  return (
    <Section title={t("report.title")} end={it && <CsvLink href={sessionCsv(session.id)} />}>
      {isPending && <Skeleton rows={1} height={52} label={t("face.loading")} />}
      {error && <ProblemNote problem={problemOf(error)} />}
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
