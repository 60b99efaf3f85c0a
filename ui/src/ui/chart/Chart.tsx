/**
 * One chart for everything that has a history: lines, gaps, bands, and what they say in words.
 *
 * Promises: it can be read without seeing it, as a sentence, step by step with the keyboard, and as
 * a table; it can be taken away as PNG, SVG and CSV; its height never changes while it loads. Does
 * not: fetch, or know what the lines are about.
 */
import {
  type KeyboardEvent,
  lazy,
  type ReactNode,
  Suspense,
  useCallback,
  useId,
  useRef,
  useState,
} from "react";
import { Button } from "../Button";
import { OnDemand } from "../OnDemand";
import table from "../Table.module.css";
import util from "../util.module.css";
import styles from "./Chart.module.css";
import type { ChartHandle } from "./ChartCanvas";
import { lastKnown, rowsOf } from "./math";
import type { PictureWords } from "./picture";
import { Swatch } from "./Swatch";
import type { ChartLine, ChartShape } from "./shape";

const ChartCanvas = lazy(() => import("./ChartCanvas"));
const menuLoad = () => import("./ChartMenu");
const ChartMenu = lazy(menuLoad);

const HEIGHT_PX = 168;
/** A table longer than this is a file: the rest is in the CSV. */
const ROWS = 48;
/** Steps that one press of Page Up or Page Down goes. */
const LEAP = 12;
const TIP_PX = 190;

export interface ChartWords {
  asTable: string;
  asChart: string;
  save: string;
  png: string;
  svg: string;
  csv: string;
  time: string;
  /** How the keyboard moves the crosshair. */
  keys: string;
  unknown: string;
  /** Day and hour of a step. */
  moment: (at: number) => string;
  /** "98 to 104" within one step. */
  between: (least: string, most: string) => string;
}

export interface ChartProps {
  title: string;
  /** Where the values come from, and how often. */
  note?: ReactNode;
  shape: ChartShape;
  /** What the chart shows, as one sentence. */
  summary: string;
  words: ChartWords;
  /** What stands beside the title, for a step: "97.4 of 168 cores". */
  reading: (index: number) => ReactNode;
  /** Charts of one group share their crosshair. */
  group: string;
  height?: number;
  onZoom?: ((from: number, to: number) => void) | undefined;
  onReset?: (() => void) | undefined;
  csvHref: string;
  picture: PictureWords;
  /** Without ending. */
  fileName: string;
  /** The values are from an earlier time. */
  old?: boolean;
}

export function Chart(props: ChartProps) {
  const { title, note, shape, summary, words, reading, group, height = HEIGHT_PX, onZoom, onReset } = props;
  const [index, setIndex] = useState<number | null>(null);
  const [left_px, setLeft] = useState(0);
  const [isHere, setHere] = useState(false);
  const [asTable, setAsTable] = useState(false);
  const canvas = useRef<ChartHandle>(null);
  const titleId = useId();
  const keysId = useId();

  const onIndex = useCallback((next: number | null, left: number) => {
    setIndex(left < 0 ? null : next);
    setLeft(left);
  }, []);
  const count = shape.at.length;
  const latest = Math.max(...shape.lines.map((line) => lastKnown(line.avg) ?? -1));
  const shown = index !== null && index < count ? index : latest >= 0 ? latest : null;
  const onKey = (event: KeyboardEvent) => {
    const from = index ?? latest;
    const next: Record<string, number | null> = {
      ArrowLeft: from - 1,
      ArrowRight: from + 1,
      PageUp: from - LEAP,
      PageDown: from + LEAP,
      Home: 0,
      End: count - 1,
      Escape: null,
    };
    if (!(event.key in next) || event.metaKey || event.ctrlKey || event.altKey) return;
    const to = next[event.key] ?? null;
    if (to === null && index === null) return;
    event.preventDefault();
    setHere(to !== null);
    canvas.current?.move(to === null ? null : Math.min(count - 1, Math.max(0, to)));
  };

  const button = (
    <Button look="ghost" size="s" iconOnly icon="download">
      {words.save}
    </Button>
  );
  return (
    <figure className={styles.chart} data-old={props.old || undefined}>
      <figcaption className={styles.head}>
        <h3 id={titleId}>{title}</h3>
        {shown !== null && <span className={styles.reading}>{reading(shown)}</span>}
        {note && <span className={styles.note}>{note}</span>}
        <span className={styles.tools}>
          <Button
            look="ghost"
            size="s"
            iconOnly
            icon={asTable ? "pulse" : "rows"}
            aria-pressed={asTable}
            onClick={() => setAsTable(!asTable)}
          >
            {asTable ? words.asChart : words.asTable}
          </Button>
          <OnDemand load={menuLoad} button={button} menu={<ChartMenu {...props} trigger={button} />} />
        </span>
      </figcaption>
      <p className={util.sr}>{summary}</p>
      {asTable ? (
        <ChartTable shape={shape} words={words} labelledBy={titleId} />
      ) : (
        <>
          <div
            className={styles.box}
            style={{ height }}
            onPointerEnter={() => setHere(true)}
            onPointerLeave={() => setHere(false)}
          >
            <Suspense fallback={<div className={styles.waiting} />}>
              <ChartCanvas
                // Which lines there are is part of how the plot is made.
                key={shape.lines.map((it) => `${it.key}${it.look}${it.min ? "~" : ""}`).join()}
                ref={canvas}
                shape={shape}
                group={group}
                height={height}
                onIndex={onIndex}
                onZoom={onZoom}
                onReset={onReset}
              />
            </Suspense>
            {/* The steps of time are what a slider goes through; its value is read out. */}
            <div
              className={styles.slider}
              role="slider"
              tabIndex={0}
              aria-labelledby={titleId}
              aria-describedby={keysId}
              aria-valuemin={0}
              aria-valuemax={Math.max(0, count - 1)}
              aria-valuenow={shown ?? 0}
              aria-valuetext={shown === null ? words.unknown : said(shape, words, shown)}
              onKeyDown={onKey}
              onBlur={() => {
                setHere(false);
                canvas.current?.move(null);
              }}
            />
            {isHere && index !== null && shown !== null && (
              <div
                className={styles.tip}
                data-side={left_px > TIP_PX + 60 ? "left" : "right"}
                style={{ left: left_px }}
                aria-hidden="true"
              >
                <Values shape={shape} words={words} index={shown} />
              </div>
            )}
          </div>
          {shown !== null && (
            <div className={styles.docked} aria-hidden="true">
              <Values shape={shape} words={words} index={shown} />
            </div>
          )}
          <p id={keysId} className={util.sr}>
            {words.keys}
          </p>
        </>
      )}
    </figure>
  );
}

/** A step in words: "07:40: used 104.2 cores, requested 136.5 cores". */
function said(shape: ChartShape, words: ChartWords, index: number): string {
  const values = shape.lines.map((line) => `${line.label} ${valueAt(shape, words, line, index)}`);
  return `${words.moment(shape.at[index] ?? shape.from)}: ${values.join(", ")}`;
}

function valueAt({ unit }: ChartShape, words: ChartWords, { avg }: ChartLine, index: number): string {
  const value = avg[index] ?? null;
  return value === null ? words.unknown : unit.value(value);
}

function Values({ shape, words, index }: { shape: ChartShape; words: ChartWords; index: number }) {
  const at = shape.at[index] ?? shape.from;
  return (
    <>
      <b className={styles.when}>{words.moment(at)}</b>
      <dl>
        {shape.lines.map((line) => {
          const [least, most] = [line.min?.[index], line.max?.[index]];
          return (
            <div key={line.key} data-look={line.look}>
              <dt>
                <Swatch look={line.look} nth={line.nth} />
                {line.label}
              </dt>
              <dd>{valueAt(shape, words, line, index)}</dd>
              {least != null && most != null && least !== most && (
                <dd className={styles.between}>
                  {words.between(shape.unit.value(least), shape.unit.value(most))}
                </dd>
              )}
            </div>
          );
        })}
      </dl>
    </>
  );
}

/** The newest first, thinned out evenly. */
function ChartTable({
  shape,
  words,
  labelledBy,
}: {
  shape: ChartShape;
  words: ChartWords;
  labelledBy: string;
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a long table scrolls, also by keyboard.
    <section className={styles.table} tabIndex={0} aria-labelledby={labelledBy}>
      <table className={table.table} aria-labelledby={labelledBy}>
        <thead>
          <tr>
            <th scope="col">{words.time}</th>
            {shape.lines.map((line) => (
              <th key={line.key} scope="col" className={table.num}>
                {line.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rowsOf(shape.at.length, ROWS).map((index) => (
            <tr key={shape.at[index]}>
              <th scope="row">{words.moment(shape.at[index] ?? 0)}</th>
              {shape.lines.map((line) => (
                <td key={line.key} className={table.num}>
                  {valueAt(shape, words, line, index)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
