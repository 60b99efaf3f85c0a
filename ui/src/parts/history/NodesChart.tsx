/** The five fullest nodes of one infrastructure over time, a line each. */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { nodeHistory, nodeHistoryCsv } from "../../api/queries";
import { useFormat } from "../../i18n/format";
import { useText } from "../../i18n/text";
import { Chart } from "../../ui/chart/Chart";
import { Frame, FrameFailed } from "./Frame";
import { type HistorySearch, RANGES, USUAL_RANGE, windowOf } from "./ranges";
import { nodesShapeOf } from "./shapeOf";
import { useChartWords, usePictureWords } from "./words";

/** Nodes are remembered for three days; a longer range shows those. */
const LONGEST: HistorySearch["range"] = "24h";

const isLonger = (range: HistorySearch["range"]) =>
  RANGES[range ?? USUAL_RANGE] > RANGES[LONGEST ?? USUAL_RANGE];

export function NodesChart({
  id,
  name,
  metric,
  search,
  onSearch,
}: {
  id: string;
  name: string;
  metric: "cpu" | "memory";
  search: HistorySearch;
  onSearch: (change: HistorySearch) => void;
}) {
  const t = useText();
  const format = useFormat();
  const window = windowOf(isLonger(search.range) && search.from === undefined ? { range: LONGEST } : search);
  const read = useQuery(nodeHistory(id, metric, window));
  const { data } = read;
  const shape = useMemo(() => data && nodesShapeOf(data, format), [data, format]);
  const words = useChartWords(data?.step_seconds ?? 60);
  const pictureWords = usePictureWords();
  const title = t(`node.top_${metric}`);
  if (!data || !shape) {
    return (
      <Frame title={title}>
        {read.isError ? <FrameFailed error={read.error} onRetry={() => void read.refetch()} /> : null}
      </Frame>
    );
  }
  if (shape.lines.length === 0) {
    return (
      <Frame title={title} dashed>
        <div>
          <b>{t("chart.empty")}</b>
          <p>{t("node.top_empty")}</p>
        </div>
      </Frame>
    );
  }
  return (
    <Chart
      title={title}
      note={t(isLonger(search.range) ? "node.top_note_day" : "node.top_note", { count: shape.lines.length })}
      shape={shape}
      summary={t("node.top_summary", { title, names: shape.lines.map((it) => it.label).join(", ") })}
      words={words}
      reading={() => null}
      group={id}
      onZoom={(from, until) => onSearch({ range: search.range, from, until })}
      onReset={() => onSearch({ range: search.range, from: undefined, until: undefined })}
      csvHref={nodeHistoryCsv(id, metric, window)}
      picture={pictureWords(name, title, data)}
      fileName={`${name}-nodes-${metric}`}
    />
  );
}
