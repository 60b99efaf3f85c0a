/**
 * From an answer of the API to what a chart draws.
 *
 * Promises: the same look for the same meaning in every chart; a line without a single value is
 * left out; units are chosen once for the whole axis. Does not: reckon; the API gives the figures.
 */
import type { History, HistoryLine, StatusChange } from "../../api/types";
import type { Format, UnitKey } from "../../i18n/format";
import type { Text, TextKey } from "../../i18n/text";
import { highest } from "../../ui/chart/math";
import type { ChartBand, ChartLine, ChartMark, ChartShape, ChartUnit, LineLook } from "../../ui/chart/shape";
import { STATES } from "../state";

/** Where a line stands; anything else is drawn as one of many. */
const LOOKS: Record<string, { look: LineLook; word: TextKey }> = {
  used: { look: "used", word: "line.used" },
  running: { look: "used", word: "line.running" },
  ready: { look: "used", word: "line.ready" },
  value: { look: "used", word: "line.value" },
  requested: { look: "requested", word: "line.requested" },
  allocatable: { look: "allocatable", word: "line.allocatable" },
  capacity: { look: "allocatable", word: "line.capacity" },
  total: { look: "allocatable", word: "line.total" },
};
/** Above this share of allocatable it is named full. */
const THRESHOLD = 0.9;
const KIB = 1_024;
const BYTES: readonly UnitKey[] = ["unit.b", "unit.kib", "unit.mib", "unit.gib", "unit.tib", "unit.pib"];

/** The axis of a chart whose highest value is `high`. */
function unitOf(unit: History["unit"], high: number, format: Format): ChartUnit {
  const plain = (size: number) => (value: number) => format.number(value / size);
  switch (unit) {
    case "millicores":
      return { word: format.unit("unit.cores"), size: 1_000, tick: plain(1_000), value: format.cores };
    case "bytes": {
      let power = 0;
      while (high / KIB ** power >= 1_000 && power < BYTES.length - 1) power += 1;
      const size = KIB ** power;
      return { word: format.unit(BYTES[power] ?? "unit.b"), size, tick: plain(size), value: format.bytes };
    }
    case "milliseconds": {
      const size = high >= 2_000 ? 1_000 : 1;
      return {
        word: format.unit(size === 1 ? "unit.ms" : "unit.s"),
        size,
        tick: plain(size),
        value: format.milliseconds,
      };
    }
    case "permille": {
      const percent = (value: number | null | undefined) =>
        format.percent(value == null ? null : value / 1_000);
      return { word: "", size: 10, most: 1_000, tick: percent, value: format.permille };
    }
    default:
      return { word: "", size: 1, whole: true, tick: (value) => format.count(value), value: format.count };
  }
}

const hasValue = (line: HistoryLine) => line.avg.some((it) => it !== null);
const seconds = (at: string) => Date.parse(at) / 1_000;

/** Least and most say something only where a step holds more than one value. */
function lineOf(line: HistoryLine, look: LineLook, label: string): ChartLine {
  const differs = look === "used" && line.avg.some((_, at) => line.min[at] !== line.max[at]);
  return {
    key: line.name,
    label,
    look,
    avg: line.avg,
    ...(differs ? { min: line.min, max: line.max } : {}),
  };
}

export function shapeOf(
  history: History,
  {
    t,
    format,
    changes = [],
    live = false,
  }: {
    t: Text;
    format: Format;
    changes?: readonly StatusChange[];
    live?: boolean;
  },
): ChartShape {
  const lines: ChartLine[] = [];
  for (const line of history.lines) {
    const face = LOOKS[line.name];
    if (!face || !hasValue(line)) continue;
    lines.push(lineOf(line, face.look, t(face.word)));
    if (line.name === "allocatable") lines.push(thresholdOf(line, format));
  }
  return {
    ...frameOf(history, format, lines),
    bands: history.bands.map((band) => bandOf(band, seconds(history.to), t, format)),
    marks: changes.flatMap((it) => markOf(it, history, t)),
    live,
  };
}

/** One line a node, without a threshold: each has its own size. */
export function nodesShapeOf(history: History, format: Format): ChartShape {
  const lines = history.lines
    .filter(hasValue)
    .map((line, nth): ChartLine => ({ ...lineOf(line, "other", line.name), nth }));
  return { ...frameOf(history, format, lines), bands: [], marks: [] };
}

function frameOf(history: History, format: Format, lines: ChartLine[]): Omit<ChartShape, "bands" | "marks"> {
  return {
    from: seconds(history.from),
    to: seconds(history.to),
    step_seconds: history.step_seconds,
    at: history.at,
    lines,
    unit: unitOf(history.unit, highest(lines), format),
    timeTick: format.timeTick,
  };
}

function thresholdOf(allocatable: HistoryLine, format: Format): ChartLine {
  return {
    key: "threshold",
    label: format.percent(THRESHOLD),
    look: "threshold",
    avg: allocatable.avg.map((it) => (it === null ? null : it * THRESHOLD)),
  };
}

function bandOf(band: History["bands"][number], end: number, t: Text, format: Format): ChartBand {
  const from = seconds(band.from);
  const until = band.until ? seconds(band.until) : end;
  const duration = format.duration(until - from);
  const group = STATES[band.state]?.group;
  const word: TextKey =
    group === "down" ? "band.disconnected" : group === "paused" ? "band.paused" : "band.not_checked";
  return { from, until, label: t(word, { duration }) };
}

function markOf(change: StatusChange, { from, to }: History, t: Text): ChartMark[] {
  const at = seconds(change.since);
  if (at < seconds(from) || at > seconds(to)) return [];
  const face = STATES[change.state];
  const tone = face.tone === "act" ? "idle" : face.tone;
  return [{ at, tone, label: t(face.word) }];
}
