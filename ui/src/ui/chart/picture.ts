/**
 * A chart as a picture for a report: title, range, legend, and the same lines as on screen.
 *
 * Promises: always on white, whatever the theme, and wide enough to be read in print; SVG and PNG
 * come from the same calls. Does not: look at the screen's canvas.
 */
import { type Colours, coloursRead, strokeOf } from "./colours";
import { axisTop, isolated, labelCut, spread, stretches, timeStep, timeTicks } from "./math";
import { canvasPen, type Pen, type Point, svgPen } from "./pen";
import type { ChartShape, Values } from "./shape";

const WIDTH = 1_000;
const HEIGHT = 400;
const PLOT = { left: 64, top: 84, right: 884, bottom: 340 };
const LABEL_GAP = 15;
/** A PNG has this many points for each of the picture's, so that print is sharp. */
const PNG_SCALE = 2;

export interface PictureWords {
  title: string;
  /** What is shown and over which time, under the title. */
  range: string;
  /** Who made it and when, at the foot. */
  made: string;
}

function pictureDraw(pen: Pen, shape: ChartShape, words: PictureWords, colours: Colours): void {
  const { from, to, at, unit } = shape;
  const ticks = axisTop(shape);
  const top = ticks.at(-1) ?? 1;
  const x = (moment: number) => PLOT.left + ((moment - from) / (to - from)) * (PLOT.right - PLOT.left);
  const y = (value: number) => PLOT.bottom - (value / top) * (PLOT.bottom - PLOT.top);
  const points = (values: Values, [first, last]: [number, number]): Point[] =>
    Array.from({ length: last - first + 1 }, (_, index) => [
      x(at[first + index] ?? from),
      y(values[first + index] ?? 0),
    ]);

  pen.rect(0, 0, WIDTH, HEIGHT, colours.paper);
  pen.text(24, 32, words.title, { fill: colours.ink, size: 18, bold: true });
  pen.text(24, 54, words.range, { fill: colours.ink3, size: 12 });
  pen.text(WIDTH - 24, HEIGHT - 12, words.made, { fill: colours.ink3, size: 11, anchor: "end" });

  for (const band of shape.bands) {
    const [left, right] = [Math.max(PLOT.left, x(band.from)), Math.min(PLOT.right, x(band.until))];
    if (right <= left) continue;
    pen.rect(left, PLOT.top, right - left, PLOT.bottom - PLOT.top, colours.band);
    pen.text(left + 4, PLOT.bottom - 8, band.label, { fill: colours.ink2, size: 11 });
  }
  pen.text(PLOT.left - 8, PLOT.top - 10, unit.word, { fill: colours.ink3, size: 11, anchor: "end" });
  for (const tick of ticks) {
    pen.line(
      [
        [PLOT.left, y(tick)],
        [PLOT.right, y(tick)],
      ],
      { colour: colours.rule, width: 1 },
    );
    pen.text(PLOT.left - 8, y(tick) + 4, unit.tick(tick), { fill: colours.ink3, size: 11, anchor: "end" });
  }
  const step = timeStep(to - from, 8);
  for (const tick of timeTicks(from, to, step)) {
    pen.text(x(tick), PLOT.bottom + 18, shape.timeTick(tick, step), {
      fill: colours.ink3,
      size: 11,
      anchor: "middle",
    });
  }

  for (const line of shape.lines) {
    for (const run of line.min && line.max ? stretches(line.avg) : []) {
      const [over, under] = [points(line.max ?? [], run), points(line.min ?? [], run)];
      pen.area([...over, ...under.reverse()], colours.usedSoft);
    }
  }
  for (const line of shape.lines) {
    const stroke = strokeOf(line.look, line.nth ?? 0, colours);
    for (const run of stretches(line.avg)) {
      const path = points(line.avg, run);
      if (line.look === "used" && run[1] > run[0]) {
        const [start, end] = [x(at[run[0]] ?? from), x(at[run[1]] ?? to)];
        pen.area([[start, y(0)], ...path, [end, y(0)]], colours.usedSoft);
      }
      pen.line(path, stroke);
    }
    for (const place of isolated(line.avg)) {
      pen.rect(x(at[place] ?? from) - 1.5, y(line.avg[place] ?? 0) - 1.5, 3, 3, stroke.colour);
    }
  }
  for (const mark of shape.marks) {
    const middle = x(mark.at);
    if (middle < PLOT.left || middle > PLOT.right) continue;
    const foot: Point[] = [
      [middle - 4, PLOT.bottom + 1],
      [middle + 4, PLOT.bottom + 1],
      [middle, PLOT.bottom - 6],
    ];
    pen.area(foot, colours[mark.tone]);
  }

  const ends = shape.lines
    .map((line) => ({ line, last: line.avg.findLast((it) => it !== null) ?? null }))
    .filter(({ last }) => last !== null);
  const places = spread(
    ends.map(({ last }) => y(last ?? 0)),
    LABEL_GAP,
    PLOT.top,
    PLOT.bottom,
  );
  ends.forEach(({ line }, index) => {
    pen.text(PLOT.right + 8, (places[index] ?? 0) + 4, labelCut(line.label), {
      fill: line.look === "threshold" ? colours.warn : line.look === "used" ? colours.used : colours.ink2,
      size: 12,
      bold: line.look === "used",
    });
  });

  let legend = PLOT.left;
  for (const line of shape.lines) {
    const stroke = strokeOf(line.look, line.nth ?? 0, colours);
    pen.line(
      [
        [legend, HEIGHT - 20],
        [legend + 22, HEIGHT - 20],
      ],
      stroke,
    );
    pen.text(legend + 28, HEIGHT - 16, line.label, { fill: colours.ink2, size: 12 });
    // About as wide as its letters: a pen cannot measure.
    legend += 46 + line.label.length * 7;
  }
}

export function pictureSvg(shape: ChartShape, words: PictureWords, colours = coloursRead("light")): string {
  const pen = svgPen(WIDTH, HEIGHT, `${words.title}, ${words.range}`);
  pictureDraw(pen, shape, words, colours);
  return pen.svg();
}

async function picturePng(shape: ChartShape, words: PictureWords): Promise<Blob | null> {
  const canvas = document.createElement("canvas");
  canvas.width = WIDTH * PNG_SCALE;
  canvas.height = HEIGHT * PNG_SCALE;
  const context = canvas.getContext("2d");
  if (!context) return null;
  context.scale(PNG_SCALE, PNG_SCALE);
  pictureDraw(canvasPen(context), shape, words, coloursRead("light"));
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

/** Saves the picture under `name`. */
export async function pictureSave(
  kind: "svg" | "png",
  shape: ChartShape,
  words: PictureWords,
  name: string,
): Promise<void> {
  const blob =
    kind === "svg"
      ? new Blob([pictureSvg(shape, words)], { type: "image/svg+xml" })
      : await picturePng(shape, words);
  if (!blob) return;
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = `${name}.${kind}`;
  link.click();
  // The browser has taken it by the next turn.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
