/**
 * The lines themselves, on uPlot.
 *
 * Promises: a gap stays a gap; the crosshair runs through every chart of its group; new data and
 * another theme are drawn without losing the crosshair; styles go through the CSSOM only. Does not:
 * hold words other than those on the axes; fetched when the first chart is shown.
 */
import { forwardRef, useEffect, useImperativeHandle, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import styles from "./Chart.module.css";
import { type Colours, strokeOf, useColours } from "./colours";
import { axisTop, isolated, labelCut, spread, timeStep, timeTicks } from "./math";
import type { ChartLine, ChartShape } from "./shape";

export interface ChartHandle {
  /** Puts the crosshair on a step of the grid; with nothing, takes it away. */
  move: (index: number | null) => void;
}

const AXIS_PX = { value: 48, time: 24 };
/** Room for labels at the right end; on a narrow chart there is none, and the legend says it. */
const LABELS_PX = 92;
const LABELS_FROM_PX = 560;
/** A drag shorter than this is a click with a shaking hand. */
const ZOOM_FROM_PX = 8;
const TICK_PX = { value: 34, time: 76 };
const FONT = "system-ui, 'Segoe UI', Roboto, 'Noto Sans', sans-serif";

interface Now {
  shape: ChartShape;
  colours: Colours;
  onIndex: (index: number | null, left_px: number) => void;
  onZoom: ((from: number, to: number) => void) | undefined;
  onReset: (() => void) | undefined;
}

const tickCount = (room_px: number, each_px: number) => Math.max(2, Math.floor(room_px / each_px));

/** Columns as uPlot takes them: time, then each line with its least and most where it has them. */
function columns(shape: ChartShape): uPlot.AlignedData {
  const values = shape.lines.flatMap((line) => [
    line.avg,
    ...(line.min && line.max ? [line.max, line.min] : []),
  ]);
  return [shape.at, ...values] as unknown as uPlot.AlignedData;
}

function seriesOf(line: ChartLine, now: () => Now): uPlot.Series[] {
  const stroke = () => strokeOf(line.look, line.nth ?? 0, now().colours);
  const { width, dash } = stroke();
  const main: uPlot.Series = {
    label: line.key,
    width,
    stroke: () => stroke().colour,
    spanGaps: false,
    points: {
      show: true,
      size: 5,
      width: 0,
      fill: () => stroke().colour,
      // Only what stands alone: all other values have a line that leads to them.
      filter: (u, seriesIdx) => isolated((u.data[seriesIdx] ?? []) as (number | null)[]),
    },
    ...(dash ? { dash: [...dash] } : {}),
    ...(line.look === "used" ? { fill: () => now().colours.usedSoft, fillTo: 0 } : {}),
  };
  const edge: uPlot.Series = { width: 0, points: { show: false }, spanGaps: false };
  return line.min && line.max ? [main, edge, edge] : [main];
}

/** Which columns lie around a band of least and most. */
function bandsOf(lines: readonly ChartLine[], now: () => Now): uPlot.Band[] {
  let column = 1;
  return lines.flatMap((line) => {
    const [over, under] = [column + 1, column + 2];
    const has = Boolean(line.min && line.max);
    column += has ? 3 : 1;
    return has ? [{ series: [over, under] as [number, number], fill: () => now().colours.usedSoft }] : [];
  });
}

function drawBands(u: uPlot, { shape, colours }: Now) {
  const { ctx, bbox } = u;
  ctx.save();
  for (const band of shape.bands) {
    const left = Math.max(bbox.left, u.valToPos(band.from, "x", true));
    const right = Math.min(bbox.left + bbox.width, u.valToPos(band.until, "x", true));
    if (right <= left) continue;
    ctx.fillStyle = colours.band;
    ctx.fillRect(left, bbox.top, Math.max(right - left, uPlot.pxRatio), bbox.height);
    ctx.fillStyle = colours.ruleStrong;
    ctx.fillRect(left, bbox.top, uPlot.pxRatio, bbox.height);
    ctx.fillRect(right - uPlot.pxRatio, bbox.top, uPlot.pxRatio, bbox.height);
  }
  ctx.restore();
}

function drawWords(u: uPlot, { shape, colours }: Now) {
  const { ctx, bbox } = u;
  const px = uPlot.pxRatio;
  const right = bbox.left + bbox.width;
  const bottom = bbox.top + bbox.height;
  ctx.save();
  ctx.font = `${11 * px}px ${FONT}`;
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";

  let free = bbox.left;
  for (const band of shape.bands) {
    const from = Math.max(bbox.left, u.valToPos(band.from, "x", true));
    const until = Math.min(right, u.valToPos(band.until, "x", true));
    const width = ctx.measureText(band.label).width;
    // Beside the band where it is narrow, and only where there is room for it.
    const fitsAfter = until + 6 * px + width < right;
    const x =
      until - from > width + 8 * px ? from + 4 * px : fitsAfter ? until + 6 * px : from - 6 * px - width;
    if (until <= from || x < free) continue;
    ctx.fillStyle = colours.ink3;
    ctx.fillText(band.label, x, bottom - 12 * px);
    free = x + width + 8 * px;
  }

  for (const mark of shape.marks) {
    const x = u.valToPos(mark.at, "x", true);
    if (x < bbox.left || x > right) continue;
    ctx.fillStyle = colours[mark.tone];
    ctx.beginPath();
    ctx.moveTo(x - 4 * px, bottom + px);
    ctx.lineTo(x + 4 * px, bottom + px);
    ctx.lineTo(x, bottom - 6 * px);
    ctx.fill();
  }

  ctx.fillStyle = colours.ink3;
  ctx.textAlign = "right";
  ctx.fillText(shape.unit.word, bbox.left - 8 * px, bbox.top - 15 * px);

  if (u.width >= LABELS_FROM_PX) {
    const ends = shape.lines
      .map((line) => ({ line, last: line.avg.findLast((it) => it !== null) ?? null }))
      .filter(({ last }) => last !== null);
    const places = spread(
      ends.map(({ last }) => u.valToPos(last ?? 0, "y", true)),
      14 * px,
      bbox.top,
      bottom - 4 * px,
    );
    ctx.textAlign = "left";
    ends.forEach(({ line }, index) => {
      const isUsed = line.look === "used";
      ctx.font = `${isUsed ? 600 : 400} ${12 * px}px ${FONT}`;
      ctx.fillStyle =
        line.look === "threshold"
          ? colours.warn
          : line.look === "other"
            ? strokeOf("other", line.nth ?? 0, colours).colour
            : isUsed
              ? colours.used
              : colours.ink2;
      ctx.fillText(labelCut(line.label), right + 8 * px, places[index] ?? 0);
    });
  }
  if (shape.live) {
    const used = shape.lines[0];
    const last = used?.avg.findLastIndex((it) => it !== null) ?? -1;
    if (used && last >= 0) {
      ctx.fillStyle = strokeOf(used.look, used.nth ?? 0, colours).colour;
      ctx.beginPath();
      const [x, y] = [u.valToPos(shape.at[last] ?? 0, "x", true), u.valToPos(used.avg[last] ?? 0, "y", true)];
      ctx.arc(x, y, 3.5 * px, 0, 2 * Math.PI);
      ctx.fill();
    }
  }
  ctx.restore();
}

function optionsOf(now: () => Now, group: string, width: number, height: number): uPlot.Options {
  const { lines } = now().shape;
  const tickText = { stroke: () => now().colours.ink3, font: `11px ${FONT}` };
  return {
    width,
    height,
    legend: { show: false },
    padding: [24, width >= LABELS_FROM_PX ? LABELS_PX : 10, 0, 0],
    series: [{}, ...lines.flatMap((line) => seriesOf(line, now))],
    bands: bandsOf(lines, now),
    scales: {
      x: { time: true, range: () => [now().shape.from, now().shape.to] },
      y: { range: () => [0, axisTop(now().shape).at(-1) ?? 1] },
    },
    axes: [
      {
        ...tickText,
        size: AXIS_PX.time,
        gap: 6,
        grid: { show: false },
        ticks: { stroke: () => now().colours.ruleStrong, size: 4, width: 1 },
        border: { show: true, stroke: () => now().colours.ruleStrong, width: 1 },
        splits: (u) => {
          const { from, to } = now().shape;
          return timeTicks(
            from,
            to,
            timeStep(to - from, tickCount(u.bbox.width / uPlot.pxRatio, TICK_PX.time)),
          );
        },
        values: (u, splits) => {
          const { from, to, timeTick } = now().shape;
          const step = timeStep(to - from, tickCount(u.bbox.width / uPlot.pxRatio, TICK_PX.time));
          return splits.map((it) => timeTick(it, step));
        },
      },
      {
        ...tickText,
        size: AXIS_PX.value,
        gap: 8,
        grid: { stroke: () => now().colours.rule, width: 1 },
        ticks: { show: false },
        splits: () => axisTop(now().shape),
        values: (_, splits) => splits.map((it) => now().shape.unit.tick(it)),
      },
    ],
    cursor: {
      y: false,
      drag: { x: true, y: false, setScale: false },
      // Where lines share a step their points would hide each other, so a point has a ground.
      points: {
        size: 7,
        width: 1.5,
        stroke: (u, index) => strokeAt(u, index),
        fill: () => now().colours.paper,
      },
      sync: {
        key: group,
        setSeries: false,
        scales: ["x", null],
        // Only the crosshair is shared: a drag in one chart is a zoom of all, through the address.
        filters: { pub: (type) => type === "mousemove" || type === "mouseleave" },
      },
      bind: {
        dblclick: () => () => {
          now().onReset?.();
          return null;
        },
      },
    },
    hooks: {
      drawClear: [(u) => drawBands(u, now())],
      draw: [(u) => drawWords(u, now())],
      setCursor: [(u) => now().onIndex(u.cursor.idx ?? null, u.cursor.left ?? -10)],
      setSelect: [
        (u) => {
          const { left, width } = u.select;
          if (width >= ZOOM_FROM_PX) now().onZoom?.(u.posToVal(left, "x"), u.posToVal(left + width, "x"));
          if (width > 0) u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
    },
  };
}

function strokeAt(u: uPlot, index: number): string {
  const stroke = u.series[index]?.stroke;
  return (typeof stroke === "function" ? stroke(u, index) : stroke) as string;
}

/** A finger moves the crosshair sideways; up and down still scrolls the page. */
function followFinger(u: uPlot): void {
  u.over.addEventListener("pointermove", (event) => {
    if (event.pointerType !== "touch") return;
    const { left, top } = u.over.getBoundingClientRect();
    // biome-ignore lint/suspicious/noExplicitAny: the third argument, which tells the group, has no type.
    (u.setCursor as any)({ left: event.clientX - left, top: event.clientY - top }, true, true);
  });
}

const ChartCanvas = forwardRef<ChartHandle, Omit<Now, "colours"> & { group: string; height: number }>(
  function ChartCanvas({ shape, group, height, onIndex, onZoom, onReset }, ref) {
    const place = useRef<HTMLDivElement>(null);
    const plot = useRef<uPlot>(null);
    const colours = useColours();
    const now = useRef<Now>({ shape, colours, onIndex, onZoom, onReset });
    now.current = { shape, colours, onIndex, onZoom, onReset };

    useEffect(() => {
      const it = place.current;
      if (!it) return;
      const make = () => {
        plot.current?.destroy();
        const width = Math.max(200, Math.floor(it.clientWidth));
        const options = optionsOf(() => now.current, group, width, height);
        plot.current = new uPlot(options, columns(now.current.shape), it);
        followFinger(plot.current);
      };
      make();
      const resized = new ResizeObserver(() => {
        const width = Math.floor(it.clientWidth);
        if (!plot.current || width === plot.current.width || width === 0) return;
        // Whether there is room for labels is part of how it was made.
        if (width >= LABELS_FROM_PX !== plot.current.width >= LABELS_FROM_PX) make();
        else plot.current.setSize({ width, height });
      });
      resized.observe(it);
      return () => {
        resized.disconnect();
        plot.current?.destroy();
        plot.current = null;
      };
    }, [group, height]);

    // biome-ignore lint/correctness/useExhaustiveDependencies: drawn anew when either of them is another.
    useEffect(() => {
      plot.current?.setData(columns(shape), true);
    }, [shape, colours]);

    useImperativeHandle(ref, () => ({
      move: (index) => {
        const u = plot.current;
        if (!u) return;
        const at = index === null ? undefined : now.current.shape.at[index];
        const left = at === undefined ? -10 : u.valToPos(at, "x");
        // biome-ignore lint/suspicious/noExplicitAny: the third argument, which tells the group, has no type.
        (u.setCursor as any)({ left, top: at === undefined ? -10 : 10 }, true, true);
      },
    }));

    return <div ref={place} className={styles.plot} />;
  },
);

export default ChartCanvas;
