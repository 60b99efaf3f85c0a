import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { problemOf } from "../api/problem";
import { resourceUsage, stats } from "../api/queries";
import { useFormat } from "../i18n/format";
import { useNow } from "../i18n/now";
import { useText } from "../i18n/text";
import { Button, ButtonLink } from "../ui/Button";
import { Blank, Failed, Note, Skeleton } from "../ui/Faces";
import { PageHead, Section } from "../ui/Page";
import { fleetAnswer } from "./answer";
import { FleetTotals } from "./FleetTotals";
import { LiveMark } from "./LiveMark";
import styles from "./Overview.module.css";
import { Pressure } from "./Pressure";
import { ProblemList } from "./ProblemList";
import { useProblemText } from "./ProblemNote";
import { Ribbon } from "./Ribbon";
import { Forecasts } from "./resources/Forecasts";
import resources from "./resources/Resources.module.css";
import { TopNodes } from "./resources/TopNodes";
import { UsageKey } from "./UsageKey";

/** The Resources page has the rest. */
const NODES_SHOWN = 5;

/** The whole fleet in five seconds: how many, which, since when, why, and how full. */
export function Overview() {
  const t = useText();
  const fleet = useQuery(stats());
  const usage = useQuery(resourceUsage());
  const problemText = useProblemText();

  if (fleet.isPending) {
    return (
      <>
        <PageHead title={t("tab.overview")} />
        <Skeleton rows={6} height={64} label={t("face.loading")} />
      </>
    );
  }
  if (!fleet.data) {
    const { title, hint } = problemText(problemOf(fleet.error));
    return (
      <>
        <PageHead title={t("tab.overview")} />
        <Failed
          title={title}
          action={
            <Button icon="retry" onClick={() => void fleet.refetch()}>
              {t("face.try_again")}
            </Button>
          }
        >
          {hint ?? t("face.again_by_itself")}
        </Failed>
      </>
    );
  }

  const { infrastructures, problems, observed_at, network_suspect } = fleet.data;
  if (infrastructures.total === 0) {
    return (
      <>
        <PageHead title={t("tab.overview")} answer={t("answer.none")} />
        <FirstSteps />
      </>
    );
  }
  return (
    <>
      <PageHead
        title={t("tab.overview")}
        answer={fleetAnswer(t, infrastructures.by_state)}
        actions={<LiveMark at={observed_at} failed={fleet.isError} />}
      />
      {network_suspect && <NetworkSuspect {...network_suspect} />}
      <Ribbon byState={infrastructures.by_state} cordoned={infrastructures.by_mode.cordoned ?? 0} />
      <div className={problems.length > 0 ? styles.columns : undefined}>
        <Section
          title={t("overview.problems")}
          note={t("overview.problems_note", { count: problems.length, total: infrastructures.total })}
          end={<Link to="/admin/infrastructures">{t("overview.all")}</Link>}
        >
          <ProblemList problems={problems} />
        </Section>
        <Section
          title={t("overview.capacity")}
          note={t("overview.counted", { counted: fleet.data.counted, total: infrastructures.total })}
          end={<UsageKey />}
        >
          <FleetTotals totals={fleet.data} trend={fleet.data.trend} />
        </Section>
      </div>
      {usage.data && usage.data.items.length > 0 && <Pressure rows={usage.data.items} />}
      <div className={resources.halves}>
        <TopNodes nodes={fleet.data.top_nodes.slice(0, NODES_SHOWN)} />
        {usage.data && <Forecasts rows={usage.data.items} />}
      </div>
    </>
  );
}

/** Many that went together are more likely one fault of ours than many of theirs. */
function NetworkSuspect({ since, down, total }: { since: string; down: number; total: number }) {
  const t = useText();
  const format = useFormat();
  const now_ms = useNow();
  return (
    <div className={styles.suspect}>
      <Note tone="down" icon="plug" role="alert">
        {t("overview.network_suspect", { down, total, since: format.moment(since, now_ms) })}
      </Note>
    </div>
  );
}

/** Before the first infrastructure: what this is, and the one thing to do. */
function FirstSteps() {
  const t = useText();
  return (
    <div className={styles.first}>
      <Blank
        title={t("first.title")}
        action={
          <ButtonLink to="/admin/infrastructures/new" look="primary" icon="plus">
            {t("first.connect")}
          </ButtonLink>
        }
      >
        {t("first.what")}
      </Blank>
      <ol className={styles.steps}>
        <li>
          <b>{t("first.step_paste")}</b>
          <span>{t("first.step_paste_text")}</span>
        </li>
        <li>
          <b>{t("first.step_test")}</b>
          <span>{t("first.step_test_text")}</span>
        </li>
        <li>
          <b>{t("first.step_watch")}</b>
          <span>{t("first.step_watch_text")}</span>
        </li>
      </ol>
    </div>
  );
}
