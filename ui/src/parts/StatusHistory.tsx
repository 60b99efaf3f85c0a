import { useInfiniteQuery } from "@tanstack/react-query";
import { problemOf } from "../api/problem";
import { statusChangeList } from "../api/queries";
import type { StatusChange } from "../api/types";
import { useFormat } from "../i18n/format";
import { useNow } from "../i18n/now";
import { useText } from "../i18n/text";
import { Button } from "../ui/Button";
import { Skeleton } from "../ui/Faces";
import { Section } from "../ui/Page";
import { CsvLink } from "./CsvLink";
import { InfrastructureStatus, useDetail, useReason } from "./InfrastructureStatus";
import { ProblemNote } from "./ProblemNote";
import styles from "./StatusHistory.module.css";

/** When the state changed, why, and how long each lasted; the newest first. */
export function StatusHistory({ id }: { id: string }) {
  const t = useText();
  const list = useInfiniteQuery(statusChangeList(id));
  const changes = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Section
      title={t("history.title")}
      note={t("history.note")}
      end={
        changes.length > 0 && <CsvLink href={`/api/admin/infrastructures/${id}/status-changes?format=csv`} />
      }
    >
      {list.isPending && <Skeleton rows={3} height={44} label={t("face.loading")} />}
      {list.isError && !list.data && <ProblemNote problem={problemOf(list.error)} />}
      {list.data && changes.length === 0 && <p className={styles.none}>{t("history.empty")}</p>}
      <ol className={styles.list}>
        {changes.map((it) => (
          <Change key={`${it.since} ${it.state} ${it.reason ?? ""}`} change={it} />
        ))}
      </ol>
      {list.hasNextPage && (
        <Button size="s" busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {t("face.load_more")}
        </Button>
      )}
    </Section>
  );
}

function Change({ change }: { change: StatusChange }) {
  const t = useText();
  const format = useFormat();
  const now_ms = useNow();
  const reason = useReason()(change);
  const detail = useDetail()(change);
  const end_ms = change.until ? Date.parse(change.until) : now_ms;
  const duration = format.duration((end_ms - Date.parse(change.since)) / 1_000);
  return (
    <li className={styles.change}>
      <time dateTime={change.since} title={format.exactly(change.since)}>
        {format.moment(change.since, now_ms)}
      </time>
      <div>
        <InfrastructureStatus state={change.state} />
        {change.state !== "healthy" && reason && <p>{reason}</p>}
        {detail && detail !== reason && change.state !== "healthy" && (
          <p className={styles.detail}>{detail}</p>
        )}
      </div>
      <span className={styles.duration}>
        {change.until ? t("history.lasted", { duration }) : t("history.lasts", { duration })}
      </span>
    </li>
  );
}
