/** How full the fleet, or one infrastructure of it, was over time. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { infrastructure } from "../../api/queries";
import type { HistoryMetric, UsageRow } from "../../api/types";
import { useText } from "../../i18n/text";
import type { ResourcesSearch } from "../../routes/admin.resources";
import { Section } from "../../ui/Page";
import { ChartKey } from "../history/ChartKey";
import styles from "../history/History.module.css";
import { HistoryChart } from "../history/HistoryChart";
import { RangePicker } from "../history/RangePicker";

const METRICS: readonly HistoryMetric[] = ["cpu", "memory", "storage", "pods"];

export function FleetCharts({
  rows,
  search,
  onSearch,
}: {
  rows: readonly UsageRow[];
  search: ResourcesSearch;
  onSearch: (change: ResourcesSearch) => void;
}) {
  const t = useText();
  const row = rows.find((it) => it.id === search.of);
  return (
    <Section
      id="charts"
      title={t("chart.section")}
      note={<ChartKey />}
      end={
        <>
          <select
            className={styles.of}
            aria-label={t("resources.of")}
            value={row?.id ?? ""}
            onChange={({ target: { value } }) => onSearch({ of: value || undefined })}
          >
            <option value="">{t("resources.of_fleet")}</option>
            {[...rows]
              .sort((a, b) => a.name.localeCompare(b.name))
              .map((it) => (
                <option key={it.id} value={it.id}>
                  {it.name}
                </option>
              ))}
          </select>
          <RangePicker search={search} onSearch={onSearch} />
        </>
      }
    >
      {row && (
        <p className={styles.whose}>
          <Link to="/admin/infrastructures/$id" params={{ id: row.id }} search={{ range: search.range }}>
            {t("resources.of_open", { name: row.name })}
          </Link>
        </p>
      )}
      {row ? (
        <ChartsOfOne row={row} search={search} onSearch={onSearch} />
      ) : (
        <div className={styles.charts}>
          {METRICS.map((metric) => (
            <HistoryChart
              key={metric}
              id={null}
              name={t("resources.of_fleet")}
              metric={metric}
              search={search}
              onSearch={onSearch}
              group="fleet"
            />
          ))}
        </div>
      )}
    </Section>
  );
}

function ChartsOfOne({
  row,
  search,
  onSearch,
}: {
  row: UsageRow;
  search: ResourcesSearch;
  onSearch: (change: ResourcesSearch) => void;
}) {
  const it = useQuery(infrastructure(row.id)).data;
  const reasons: Partial<Record<HistoryMetric, string | null | undefined>> = {
    cpu: row.metrics_reason,
    memory: row.metrics_reason,
    storage: it?.metadata?.storage_reason,
  };
  return (
    <div className={styles.charts}>
      {METRICS.map((metric) => (
        <HistoryChart
          key={metric}
          id={row.id}
          name={row.name}
          metric={metric}
          search={search}
          onSearch={onSearch}
          group={row.id}
          reason={reasons[metric]}
          old={row.stale}
        />
      ))}
    </div>
  );
}
