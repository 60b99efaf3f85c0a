import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { alertList } from "../api/queries";
import { useFormat } from "../i18n/format";
import { useNow } from "../i18n/now";
import { useText } from "../i18n/text";
import { Button } from "../ui/Button";
import { Skeleton } from "../ui/Faces";
import { Icon } from "../ui/Icon";
import { Section } from "../ui/Page";
import table from "../ui/Table.module.css";
import util from "../ui/util.module.css";
import styles from "./AlertHistory.module.css";
import { SEVERITIES, useAlertDetail, useRuleName, useSubjectName } from "./alertText";

/** What is over: what it was, how long it lasted, and whether people were told. */
export function AlertHistory() {
  const t = useText();
  const format = useFormat();
  const now_ms = useNow();
  const ruleName = useRuleName();
  const name = useSubjectName();
  const detail = useAlertDetail();
  const list = useInfiniteQuery(alertList({ state: "resolved" }));
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Section
      title={t("alert.resolved")}
      end={
        items.length > 0 && (
          <a href="/api/admin/alerts?state=resolved&format=csv&limit=200" download>
            {t("alert.csv")}
          </a>
        )
      }
    >
      {list.isPending && <Skeleton rows={3} height={40} label={t("face.loading")} />}
      {list.data && items.length === 0 && <p className={styles.none}>{t("alert.none_resolved")}</p>}
      {items.length > 0 && (
        <table className={`${table.table} ${table.cards}`}>
          <thead>
            <tr>
              <th scope="col">{t("alert.column.what")}</th>
              <th scope="col">{t("alert.column.subject")}</th>
              <th scope="col" className={table.num}>
                {t("alert.column.lasted")}
              </th>
              <th scope="col" className={table.num}>
                {t("alert.column.ended")}
              </th>
              <th scope="col">{t("alert.column.told")}</th>
            </tr>
          </thead>
          <tbody>
            {items.map((it) => (
              <tr key={it.id}>
                <td className={table.wide}>
                  <span className={styles.what} data-tone={SEVERITIES[it.severity].tone}>
                    <Icon name={SEVERITIES[it.severity].icon} />
                    <span className={util.sr}>{t(SEVERITIES[it.severity].word)}</span>
                    <b>{ruleName(it.rule)}</b>
                  </span>
                  <span className={table.sub}>{detail(it)}</span>
                </td>
                <td data-label={t("alert.column.subject")}>
                  {it.subject.id ? (
                    <Link to="/admin/infrastructures/$id" params={{ id: it.subject.id }}>
                      {name(it)}
                    </Link>
                  ) : (
                    name(it)
                  )}
                </td>
                <td className={table.num} data-label={t("alert.column.lasted")}>
                  {format.duration(it.duration_seconds)}
                </td>
                <td className={table.num} data-label={t("alert.column.ended")}>
                  <time dateTime={it.resolved_at ?? undefined}>{format.moment(it.resolved_at, now_ms)}</time>
                </td>
                <td data-label={t("alert.column.told")}>
                  {it.notified_at ? t("alert.told", { reminders: it.reminders_sent }) : t("alert.not_told")}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {list.hasNextPage && (
        <p className={styles.more}>
          <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            {t("face.load_more")}
          </Button>
        </p>
      )}
    </Section>
  );
}
