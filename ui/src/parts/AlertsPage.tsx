/**
 * The alerts: what is open, grouped by cause, what nobody has taken first; then what is quiet on
 * purpose, and what is over. Beside it, how people are told.
 */
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import { problemOf } from "../api/problem";
import { alertGroupList } from "../api/queries";
import type { AlertGroup } from "../api/types";
import { useText } from "../i18n/text";
import type { AlertSearch } from "../routes/admin.alerts";
import { Button } from "../ui/Button";
import { Failed, Skeleton } from "../ui/Faces";
import { PageHead, Section } from "../ui/Page";
import { Segmented } from "../ui/Segmented";
import { Status } from "../ui/Status";
import { AlertChannels } from "./AlertChannels";
import { AlertGroupRow } from "./AlertGroupRow";
import { AlertHistory } from "./AlertHistory";
import { AlertRules } from "./AlertRules";
import styles from "./AlertsPage.module.css";
import { BrowserNotices } from "./BrowserNotices";
import { MaintenanceWindows } from "./MaintenanceWindows";
import { useMay } from "./may";
import { useProblemText } from "./ProblemNote";

const WindowDialog = lazy(() => import("./WindowDialog"));

/** Nobody is told of it now: muted, in a window, or spoken for by a larger alert. */
const isQuiet = ({ alerts }: AlertGroup, now_ms: number) =>
  alerts.every(
    (it) =>
      it.in_maintenance ||
      it.held_by != null ||
      (it.muted_until != null && Date.parse(it.muted_until) > now_ms),
  );

const shows = (group: AlertGroup, show: AlertSearch["show"]) =>
  show === "critical" ? group.severity === "critical" : show === "untaken" ? group.open > 0 : true;

export function AlertsPage({
  search,
  onSearch,
}: {
  search: AlertSearch;
  onSearch: (change: AlertSearch) => void;
}) {
  const t = useText();
  const may = useMay();
  const problemText = useProblemText();
  const groups = useQuery(alertGroupList());
  const [planning, setPlanning] = useState(false);
  const all = groups.data?.items ?? [];
  const now_ms = Date.now();
  const loud = all.filter((it) => !isQuiet(it, now_ms));
  const quiet = all.filter((it) => isQuiet(it, now_ms));
  const untaken = loud.filter((it) => it.open > 0).length;
  const critical = loud.filter((it) => it.severity === "critical").length;
  const shown = loud.filter((it) => shows(it, search.show));
  return (
    <>
      <PageHead
        title={t("tab.alerts")}
        answer={groups.data && t("alert.answer", { groups: loud.length, untaken })}
        actions={
          <>
            <BrowserNotices />
            <Button
              icon="pause"
              whyNot={may("alert_acknowledge") ? null : t("why_not.operate")}
              onClick={() => setPlanning(true)}
            >
              {t("window.new")}
            </Button>
          </>
        }
      />
      <div className={styles.columns}>
        <div>
          <Section
            title={t("alert.open")}
            note={t("alert.open_note")}
            end={
              loud.length > 0 && (
                <Segmented<"all" | "untaken" | "critical">
                  small
                  label={t("alert.show")}
                  value={search.show ?? "all"}
                  onChoose={(show) => onSearch({ show: show === "all" ? undefined : show })}
                  options={[
                    { value: "all", label: t("alert.show_all", { count: loud.length }) },
                    { value: "untaken", label: t("alert.show_untaken", { count: untaken }) },
                    { value: "critical", label: t("alert.show_critical", { count: critical }) },
                  ]}
                />
              )
            }
          >
            {groups.isPending && <Skeleton rows={3} height={64} label={t("face.loading")} />}
            {groups.isError && !groups.data && (
              <Failed
                title={problemText(problemOf(groups.error)).title}
                action={
                  <Button icon="retry" onClick={() => void groups.refetch()}>
                    {t("face.try_again")}
                  </Button>
                }
              >
                {problemText(problemOf(groups.error)).hint}
              </Failed>
            )}
            {groups.data && loud.length === 0 && (
              <div className={styles.calm}>
                <Status tone="ok" icon="check">
                  {t("alert.none")}
                </Status>
                <p>{t("alert.none_text")}</p>
              </div>
            )}
            {loud.length > 0 && shown.length === 0 && <p className={styles.calm}>{t("alert.none_such")}</p>}
            {shown.map((group) => (
              <AlertGroupRow key={group.id} group={group} opened={group.id === search.group} />
            ))}
          </Section>
          {quiet.length > 0 && (
            <Section title={t("alert.quiet")} note={t("alert.quiet_note", { count: quiet.length })}>
              {quiet.map((group) => (
                <AlertGroupRow key={group.id} group={group} opened={group.id === search.group} quiet />
              ))}
            </Section>
          )}
          <AlertHistory />
        </div>
        <div>
          <AlertChannels />
          <AlertRules />
          <MaintenanceWindows />
        </div>
      </div>
      {planning && (
        <Suspense>
          <WindowDialog onClose={() => setPlanning(false)} />
        </Suspense>
      )}
    </>
  );
}
