/** How full one infrastructure was, and how fast it answered. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { statusChangeList } from "../../api/queries";
import type { HistoryMetric, Infrastructure } from "../../api/types";
import { useMinute } from "../../i18n/now";
import { useText } from "../../i18n/text";
import { Section } from "../../ui/Page";
import { isOld } from "../state";
import { ChartKey } from "./ChartKey";
import styles from "./History.module.css";
import { HistoryChart } from "./HistoryChart";
import { NodesChart } from "./NodesChart";
import { RangePicker } from "./RangePicker";
import type { HistorySearch } from "./ranges";

const METRICS: readonly HistoryMetric[] = [
  "cpu",
  "memory",
  "storage",
  "volumes",
  "pods",
  "nodes",
  "latency",
  "availability",
];

export function InfrastructureCharts({
  infrastructure: { id, name, metadata, status },
  search,
  onSearch,
}: {
  infrastructure: Infrastructure;
  search: HistorySearch;
  onSearch: (change: HistorySearch) => void;
}) {
  const t = useText();
  const minute_ms = useMinute();
  const pages = useInfiniteQuery(statusChangeList(id)).data?.pages;
  const changes = useMemo(() => pages?.flatMap((page) => page.items), [pages]);
  const reasons: Partial<Record<HistoryMetric, string | null | undefined>> = {
    cpu: metadata?.metrics_reason,
    memory: metadata?.metrics_reason,
    storage: metadata?.storage_reason,
    volumes: metadata?.storage_reason,
  };
  const old = isOld(status.state, metadata?.observed_at, minute_ms);
  return (
    <Section
      id="charts"
      title={t("chart.section")}
      note={<ChartKey />}
      end={<RangePicker search={search} onSearch={onSearch} />}
    >
      <div className={styles.charts}>
        {METRICS.map((metric) => (
          <HistoryChart
            key={metric}
            id={id}
            name={name}
            metric={metric}
            search={search}
            onSearch={onSearch}
            group={id}
            changes={changes}
            reason={reasons[metric]}
            old={old}
          />
        ))}
        {(["cpu", "memory"] as const).map((metric) => (
          <NodesChart key={metric} id={id} name={name} metric={metric} search={search} onSearch={onSearch} />
        ))}
      </div>
    </Section>
  );
}
