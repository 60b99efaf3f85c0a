import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { problemOf } from "../api/problem";
import { resourceUsage, stats } from "../api/queries";
import type { Unanswered, UsageRow } from "../api/types";
import { useFormat } from "../i18n/format";
import { useNow } from "../i18n/now";
import { Rich, useText } from "../i18n/text";
import type { ResourcesSearch } from "../routes/admin.resources";
import { Button, ButtonLink } from "../ui/Button";
import { Blank, Failed, Note, Skeleton } from "../ui/Faces";
import { PageHead, Section } from "../ui/Page";
import table from "../ui/Table.module.css";
import util from "../ui/util.module.css";
import { CsvLink } from "./CsvLink";
import { EnvironmentBadge } from "./EnvironmentBadge";
import { FleetTotals } from "./FleetTotals";
import { Age, InfrastructureStatus } from "./InfrastructureStatus";
import { LiveMark } from "./LiveMark";
import { useProblemText } from "./ProblemNote";
import { RESOURCE_WORDS, ResourceCell, useAmount } from "./ResourceCell";
import styles from "./ResourcesPage.module.css";
import { FleetCharts } from "./resources/FleetCharts";
import { Forecasts } from "./resources/Forecasts";
import { GroupTable } from "./resources/GroupTable";
import resources from "./resources/Resources.module.css";
import { TopNodes } from "./resources/TopNodes";
import { isOld } from "./state";
import { UsageKey } from "./UsageKey";
import { levelOf, RESOURCES, type Resource, tightestOf, usageOf } from "./usage";

/** Most names that a sentence bears; the rest is counted. */
const NAMES_SHOWN = 4;

/**
 * How full the fleet is now, was before and will be.
 *
 * Promises: the same figures as everywhere, with whose are missing; time, group and whose charts
 * are shown live in the address. Does not: add up what did not answer.
 */
export function ResourcesPage({
  search,
  onSearch,
}: {
  search: ResourcesSearch;
  onSearch: (change: ResourcesSearch) => void;
}) {
  const t = useText();
  const format = useFormat();
  const usage = useQuery(resourceUsage(search.group));
  const fleet = useQuery(stats());
  const problemText = useProblemText();

  if (usage.isPending) {
    return (
      <>
        <PageHead title={t("tab.resources")} />
        <Skeleton rows={8} height={64} label={t("face.loading")} />
      </>
    );
  }
  if (!usage.data) {
    const { title, hint } = problemText(problemOf(usage.error));
    return (
      <>
        <PageHead title={t("tab.resources")} />
        <Failed
          title={title}
          action={
            <Button icon="retry" onClick={() => void usage.refetch()}>
              {t("face.try_again")}
            </Button>
          }
        >
          {hint ?? t("face.again_by_itself")}
        </Failed>
      </>
    );
  }
  const { totals, items, missing, observed_at, infrastructures } = usage.data;
  if (items.length === 0) {
    return (
      <>
        <PageHead title={t("tab.resources")} answer={t("answer.none")} />
        <Blank
          title={t("resources.empty")}
          action={
            <ButtonLink to="/admin/infrastructures/new" look="primary" icon="plus">
              {t("first.connect")}
            </ButtonLink>
          }
        />
      </>
    );
  }
  const tightest = tightestOf(totals);
  const rows = [...items].sort(
    (a, b) => (tightestOf(b)?.share ?? -1) - (tightestOf(a)?.share ?? -1) || a.name.localeCompare(b.name),
  );
  return (
    <>
      <PageHead
        title={t("tab.resources")}
        answer={
          tightest
            ? t(levelOf(tightest.share) === "calm" ? "resources.answer_calm" : "resources.answer_tight", {
                resource: tightest.resource,
                percent: format.percent(tightest.share),
              })
            : t("resources.answer_none")
        }
        actions={
          <>
            <CsvLink href="/api/admin/resources/usage?format=csv" />
            <LiveMark at={observed_at} failed={usage.isError} />
          </>
        }
      />
      <MissingNote missing={missing} />
      <Section
        title={t("overview.capacity")}
        note={t("overview.counted", { counted: totals.counted, total: infrastructures })}
        end={<UsageKey />}
      >
        <FleetTotals
          totals={{ ...totals, nodes: { ready: totals.nodes_ready, total: totals.nodes_total } }}
        />
      </Section>
      <FleetCharts rows={items} search={search} onSearch={onSearch} />
      <div className={resources.halves}>
        <Forecasts rows={items} />
        <TopNodes nodes={fleet.data?.top_nodes ?? []} />
      </div>
      <GroupTable
        group={search.group}
        groups={usage.data.groups ?? []}
        onGroup={(group) => onSearch({ group })}
      />
      <Section title={t("resources.each")} note={t("resources.each_note")} end={<UsageKey notches />}>
        <UsageTable rows={rows} />
      </Section>
    </>
  );
}

/** Whose figures the totals lack, and since when. */
function MissingNote({ missing }: { missing: readonly Unanswered[] }) {
  const t = useText();
  const format = useFormat();
  const now_ms = useNow();
  if (missing.length === 0) return null;
  const shown = missing.slice(0, NAMES_SHOWN);
  return (
    <Note tone="warn" icon="triangle">
      <Rich id="resources.missing" slots={{ count: missing.length }} />{" "}
      {shown.map((it, index) => (
        <span key={it.id}>
          {index > 0 && ", "}
          <Link to="/admin/infrastructures/$id" params={{ id: it.id }}>
            {it.name}
          </Link>{" "}
          {t("resources.missing_since", { since: format.moment(it.since, now_ms) })}
        </span>
      ))}
      {missing.length > shown.length && t("resources.missing_more", { count: missing.length - shown.length })}
    </Note>
  );
}

/** The tightest ones; the rest stands behind a click, because each row has four gauges. */
const ROWS_SHOWN = 50;

function UsageTable({ rows: all }: { rows: readonly UsageRow[] }) {
  const t = useText();
  const [whole, setWhole] = useState(false);
  const rows = whole ? all : all.slice(0, ROWS_SHOWN);
  return (
    <>
      <table className={`${table.table} ${table.cards} ${styles.table}`}>
        <thead>
          <tr>
            <th scope="col">{t("column.name")}</th>
            <th scope="col">{t("column.status")}</th>
            {RESOURCES.map((resource) => (
              <th scope="col" key={resource}>
                {t(RESOURCE_WORDS[resource])}
              </th>
            ))}
            <th scope="col" className={table.num}>
              {t("column.nodes")}
            </th>
            <th scope="col" className={table.num}>
              {t("column.age")}
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <UsageLine key={row.id} row={row} />
          ))}
        </tbody>
      </table>
      {all.length > rows.length && (
        <p className={styles.more}>
          <Button size="s" onClick={() => setWhole(true)}>
            {t("resources.all", { count: all.length })}
          </Button>
        </p>
      )}
    </>
  );
}

function UsageLine({ row }: { row: UsageRow }) {
  const t = useText();
  const now_ms = useNow();
  const old = row.stale || isOld(row.state, row.observed_at, now_ms);
  return (
    <tr data-old={old || undefined} className={styles.row}>
      <th scope="row" className={table.wide}>
        <Link to="/admin/infrastructures/$id" params={{ id: row.id }}>
          {row.name}
        </Link>{" "}
        <span className={table.sub}>
          <EnvironmentBadge environment={row.environment} /> {row.region}
        </span>
      </th>
      <td className={`${table.wide} ${styles.status}`}>
        <InfrastructureStatus state={row.state} />
      </td>
      {RESOURCES.map((resource) => (
        <td key={resource} className={styles.gauge} data-label={t(RESOURCE_WORDS[resource])}>
          <UsageFigures row={row} resource={resource} />
        </td>
      ))}
      <td className={table.num} data-label={t("column.nodes")}>
        {row.nodes_total == null
          ? "—"
          : t("nodes.of", { ready: row.nodes_ready ?? 0, total: row.nodes_total })}
      </td>
      <td className={`${table.num} ${styles.age}`} data-label={t("column.age")}>
        {row.observed_at ? <Age at={row.observed_at} old={old} /> : <span className={util.muted}>—</span>}
      </td>
    </tr>
  );
}

function UsageFigures({ row, resource }: { row: UsageRow; resource: Resource }) {
  const t = useText();
  const amount = useAmount();
  const usage = usageOf(resource, row);
  return (
    <>
      <ResourceCell
        resource={resource}
        usage={usage}
        from={{ observedAt: row.observed_at, metricsReason: row.metrics_reason }}
      />
      {usage && (
        <span className={table.sub}>
          {t(usage.used == null ? "usage.requested_of_allocatable" : "usage.of_allocatable", {
            used: amount(resource, usage.used),
            requested: amount(resource, usage.requested),
            allocatable: amount(resource, usage.allocatable),
          })}
        </span>
      )}
    </>
  );
}
