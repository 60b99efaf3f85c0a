/** What the charts of the console say: beside their values, as one sentence, and of their time. */
import type { History } from "../../api/types";
import { useFormat } from "../../i18n/format";
import { type Text, type TextKey, useText } from "../../i18n/text";
import type { ChartWords } from "../../ui/chart/Chart";
import { spanOf, stretches } from "../../ui/chart/math";
import type { PictureWords } from "../../ui/chart/picture";
import type { ChartShape } from "../../ui/chart/shape";
import { type HistorySearch, USUAL_RANGE } from "./ranges";

/** What every chart of the console says beside its values. */
export function useChartWords(step_seconds: number): ChartWords {
  const t = useText();
  const format = useFormat();
  return {
    asTable: t("chart.as_table"),
    asChart: t("chart.as_chart"),
    save: t("chart.save"),
    png: t("chart.png"),
    svg: t("chart.svg"),
    csv: t("chart.csv"),
    time: t("chart.time"),
    keys: t("chart.keys"),
    unknown: t("chart.unknown"),
    moment: (at) => format.timeStep(at, step_seconds, Date.now()),
    between: (least, most) => t("chart.between", { least, most }),
  };
}

/** The chart as one sentence. */
export function summaryOf(t: Text, title: string, range: string, { lines, unit }: ChartShape): string {
  const main = lines.find((it) => it.look === "used") ?? lines[0];
  const span = main && spanOf(main);
  if (!main || !span) return t("chart.summary_none", { title, range });
  const limit = lines.find((it) => it.look === "allocatable");
  const top = limit && spanOf(limit);
  const slots = {
    title,
    range,
    line: main.label,
    least: unit.value(span.least),
    most: unit.value(span.most),
    mean: unit.value(span.mean),
    last: unit.value(span.last),
    gaps: Math.max(0, stretches(main.avg).length - 1),
  };
  return top?.last == null
    ? t("chart.summary", slots)
    : t("chart.summary_of", { ...slots, top: unit.value(top.last), limit: limit?.label ?? "" });
}

/** "97.4 cores of 168 cores": what the main line says at a step, beside its limit. */
export function readingOf(t: Text, { lines, unit }: ChartShape, data: History, index: number): string | null {
  const main = lines.find((it) => it.look === "used");
  const limit = lines.find((it) => it.look === "allocatable");
  const [value, top] = [main?.avg[index] ?? null, limit?.avg[index] ?? null];
  if (value === null) return null;
  const reading =
    top === null ? unit.value(value) : t("chart.reading", { value: unit.value(value), top: unit.value(top) });
  // A sum falls when one of those it is made of is away, so it says how many they are.
  const counted = data.lines.find((it) => it.name === "infrastructures")?.avg[index] ?? null;
  return counted === null ? reading : t("chart.reading_sum", { reading, count: counted });
}

/** The time a history covers, in words. */
export function useRangeWords(): (search: HistorySearch, data: History) => string {
  const t = useText();
  const format = useFormat();
  return (search, { from, to }) => {
    const now_ms = Date.now();
    return search.from === undefined
      ? t(`range_long.${search.range ?? USUAL_RANGE}` as TextKey)
      : t("range.window", { from: format.moment(from, now_ms), to: format.moment(to, now_ms) });
  };
}

/** Title, range and maker, for a picture in a report. */
export function usePictureWords(): (name: string, title: string, data: History) => PictureWords {
  const t = useText();
  const format = useFormat();
  return (name, title, { from, to }) => ({
    title: t("chart.picture_title", { name, title }),
    range: t("chart.picture_range", { from: format.exactly(from), to: format.exactly(to) }),
    made: t("chart.picture_made", { moment: format.exactly(new Date().toISOString()) }),
  });
}
