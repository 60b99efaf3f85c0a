/**
 * One metric over time, of one infrastructure or of the fleet.
 *
 * Promises: the frame keeps its height whatever arrives; without values it says why and what would
 * bring them; the title's reading follows the crosshair. Does not: choose the time; the page does.
 */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { history, historyCsv } from "../../api/queries";
import type { HistoryMetric, StatusChange } from "../../api/types";
import { useFormat } from "../../i18n/format";
import { type TextKey, useText, useTextIfKnown } from "../../i18n/text";
import { Chart } from "../../ui/chart/Chart";
import { TipTrigger } from "../../ui/Tip";
import { useCodeText } from "../codeText";
import { Frame, FrameFailed } from "./Frame";
import styles from "./History.module.css";
import { type HistorySearch, USUAL_RANGE, windowOf } from "./ranges";
import { shapeOf } from "./shapeOf";
import { readingOf, summaryOf, useChartWords, usePictureWords, useRangeWords } from "./words";

const METRIC_WORDS: Record<HistoryMetric, TextKey> = {
  cpu: "resource.cpu",
  memory: "resource.memory",
  storage: "resource.storage",
  volumes: "metric.volumes",
  pods: "resource.pods",
  nodes: "column.nodes",
  latency: "column.latency",
  availability: "metric.availability",
};

const SOURCES: Record<string, string> = {
  metrics_server: "metrics-server",
  prometheus: "Prometheus",
  kubelet: "kubelet",
};

/** Those whose use somebody on the cluster measures; NALABO counts or times the others itself. */
const MEASURED: ReadonlySet<HistoryMetric> = new Set(["cpu", "memory", "storage", "volumes"]);

export function HistoryChart({
  id,
  name,
  metric,
  search,
  group,
  height,
  changes,
  reason,
  old = false,
  onSearch,
}: {
  /** Of the fleet, when there is none. */
  id: string | null;
  /** Whose history it is, for the picture and the file. */
  name: string;
  metric: HistoryMetric;
  search: HistorySearch;
  group: string;
  height?: number;
  changes?: readonly StatusChange[] | undefined;
  /** Why use is not measured, as a code of the API. */
  reason?: string | null | undefined;
  old?: boolean;
  onSearch: (change: HistorySearch) => void;
}) {
  const t = useText();
  const format = useFormat();
  const window = windowOf(search);
  const read = useQuery(history(id, metric, window));
  const data = read.data;
  const live = "live" in window && window.live;
  const shape = useMemo(
    () => data && shapeOf(data, { t, format, changes: changes ?? [], live }),
    [data, t, format, changes, live],
  );
  const words = useChartWords(data?.step_seconds ?? 60);
  const rangeWords = useRangeWords();
  const pictureWords = usePictureWords();
  const title = t(METRIC_WORDS[metric]);

  if (!data || !shape) {
    return (
      <Frame title={title} height={height}>
        {read.isError ? <FrameFailed error={read.error} onRetry={() => void read.refetch()} /> : null}
      </Frame>
    );
  }
  if (shape.lines.length === 0) {
    return (
      <Frame title={title} height={height} dashed>
        <NoValues reason={reason} />
      </Frame>
    );
  }
  const range = rangeWords(search, data);
  const notMeasured = !shape.lines.some((it) => it.look === "used");
  const source = data.source && MEASURED.has(metric) ? SOURCES[data.source] : undefined;
  return (
    <div className={styles.cell} aria-busy={read.isPlaceholderData || undefined}>
      <Chart
        title={title}
        note={
          notMeasured ? (
            <NotMeasured reason={reason} />
          ) : (
            source && t(live ? "chart.source_live" : "chart.source", { source })
          )
        }
        shape={shape}
        summary={summaryOf(t, title, range, shape)}
        words={words}
        reading={(index) => readingOf(t, shape, data, index)}
        group={group}
        {...(height === undefined ? {} : { height })}
        onZoom={(from, until) => onSearch({ range: search.range, from, until })}
        onReset={() => onSearch({ range: search.range, from: undefined, until: undefined })}
        csvHref={historyCsv(id, metric, window)}
        picture={pictureWords(name, title, data)}
        fileName={`${name}-${metric}-${search.range ?? USUAL_RANGE}`}
        old={old}
      />
    </div>
  );
}

/** Nothing to draw says why, and what would make it known. */
function NoValues({ reason }: { reason: string | null | undefined }) {
  const t = useText();
  const text = useCodeText()({ code: reason ?? null });
  return (
    <div>
      <b>{text.cause ?? t("chart.empty")}</b>
      <p>{text.remedy ?? t("chart.empty_text")}</p>
    </div>
  );
}

/** Short beside the title; cause and remedy come on hover and on focus. */
function NotMeasured({ reason }: { reason: string | null | undefined }) {
  const t = useText();
  const known = useTextIfKnown();
  const text = useCodeText()({ code: reason ?? null });
  const short = reason ? known(`reason.${reason}`) : undefined;
  const line = (
    // The remedy must be reachable by keyboard.
    <span className={styles.not} tabIndex={text.cause ? 0 : undefined}>
      {short ? t("chart.not_measured_because", { cause: short }) : t("chart.not_measured")}
    </span>
  );
  if (!text.cause) return line;
  return (
    <TipTrigger
      content={
        <>
          <b>{text.cause}</b> {text.remedy}
        </>
      }
      render={line}
    />
  );
}
