/**
 * Markdown as workshops are written in it: headings, lists, tables, quotes, code with buttons.
 *
 * Promises: what somebody wrote becomes a fixed set of React elements and text, never HTML: a tag in
 * it is shown as it was typed, a link goes to https or stays text. Reading takes time in
 * proportion to the text, whatever is in it. Does not: pictures, raw HTML, footnotes; nor know
 * NALABO's words, which come as `words`, so that the participant's page stays small.
 */
import { createElement, Fragment, type ReactNode, useMemo } from "react";
import { Icon } from "./Icon";
import styles from "./markdown.module.css";
import { useCopied } from "./useCopied";

type MarkdownInline =
  | { kind: "text" | "code"; text: string }
  | { kind: "strong" | "em" | "del"; inside: MarkdownInline[] }
  | { kind: "link"; href: string; inside: MarkdownInline[] }
  | { kind: "break" };

type Align = "left" | "center" | "right" | undefined;

export type MarkdownBlock =
  | { kind: "heading"; level: number; inside: MarkdownInline[] }
  | { kind: "paragraph"; inside: MarkdownInline[] }
  | { kind: "list"; ordered: boolean; start: number; items: MarkdownBlock[][] }
  | { kind: "quote"; inside: MarkdownBlock[] }
  | MarkdownCode
  | { kind: "table"; align: Align[]; head: MarkdownInline[][]; rows: MarkdownInline[][][] }
  | { kind: "rule" };

export interface MarkdownCode {
  kind: "code";
  language: string;
  /** As it is shown. */
  text: string;
  /** As it is copied and run: of a `console` block the commands, without prompts and answers. */
  command: string;
  /** It is for a shell. */
  runnable: boolean;
}

/** Deeper than this nobody writes by hand; the rest stays text. */
const DEPTH_MAX = 8;
const LINK_MAX = 2_000;
const SHELLS: readonly string[] = ["sh", "bash", "shell", "console"];

/** The address of a link that may be followed. */
export function markdownHref(written: string): string | null {
  if (written.length > LINK_MAX || !/^https:\/\//i.test(written)) return null;
  try {
    const url = new URL(written);
    // Names before an @ make an address look like another one.
    return url.protocol === "https:" && !url.username && !url.password ? url.href : null;
  } catch {
    return null;
  }
}

const MARKS = [
  ["**", "strong"],
  ["__", "strong"],
  ["~~", "del"],
  ["*", "em"],
  ["_", "em"],
] as const;
const isWord = (c: string | undefined) => c !== undefined && /[\p{L}\p{N}_]/u.test(c);
const isBlank = (c: string | undefined) => c === undefined || /\s/.test(c);

/** The text inside one block. */
function inlineParse(text: string, depth = 0): MarkdownInline[] {
  const found: MarkdownInline[] = [];
  let plain = "";
  const put = (it: MarkdownInline) => {
    if (plain) found.push({ kind: "text", text: plain });
    plain = "";
    found.push(it);
  };
  // What has no end after one place has none after a later one: each is looked for in vain only once.
  const endless = new Set<string>();
  let middle = -1;
  let at = 0;
  while (at < text.length) {
    const c = text[at] as string;
    if (c === "\\" && at + 1 < text.length) {
      const next = text[at + 1] as string;
      if (next === "\n") put({ kind: "break" });
      else plain += /[!-/:-@[-`{-~]/.test(next) ? next : c + next;
      at += 2;
      continue;
    }
    if (c === "\n" && plain.endsWith("  ")) {
      plain = plain.trimEnd();
      put({ kind: "break" });
      at += 1;
      continue;
    }
    if (c === "`") {
      const ticks = runLength(text, at, "`");
      const end = endless.has("`".repeat(ticks)) ? -1 : ticksEnd(text, at + ticks, ticks);
      if (end < 0) {
        endless.add("`".repeat(ticks));
        plain += text.slice(at, at + ticks);
        at += ticks;
        continue;
      }
      const code = text.slice(at + ticks, end).replaceAll("\n", " ");
      put({ kind: "code", text: /^ .*\S.* $/.test(code) ? code.slice(1, -1) : code });
      at = end + ticks;
      continue;
    }
    if (depth < DEPTH_MAX && c === "[" && !endless.has("](")) {
      if (middle < at) middle = text.indexOf("](", at);
      if (middle < 0) endless.add("](");
      const link = middle < 0 ? null : linkAt(text, at, middle);
      if (link) {
        put({ kind: "link", href: link.href, inside: inlineParse(link.label, DEPTH_MAX) });
        at = link.end;
        continue;
      }
    }
    if (c === "<" && /^<https:\/\//i.test(text.slice(at, at + 9))) {
      const written = /^[^\s<>]+(?=>)/.exec(text.slice(at + 1, at + LINK_MAX))?.[0];
      const href = written ? markdownHref(written) : null;
      if (written && href) {
        put({ kind: "link", href, inside: [{ kind: "text", text: written }] });
        at += written.length + 2;
        continue;
      }
    }
    if (depth < DEPTH_MAX && (c === "h" || c === "H") && !isWord(text[at - 1])) {
      const bare = /^https:\/\/[^\s<>"`]+/i
        .exec(text.slice(at, at + LINK_MAX))?.[0]
        .replace(/[.,;:!?)'*_~]+$/, "");
      const href = bare ? markdownHref(bare) : null;
      if (bare && href) {
        put({ kind: "link", href, inside: [{ kind: "text", text: bare }] });
        at += bare.length;
        continue;
      }
    }
    const mark = depth < DEPTH_MAX && MARKS.find(([it]) => text.startsWith(it, at));
    if (mark) {
      const [sign, kind] = mark;
      const opens = !isBlank(text[at + sign.length]) && !(c === "_" && isWord(text[at - 1]));
      const end = !opens || endless.has(sign) ? -1 : markEnd(text, at + sign.length, sign);
      if (opens && end < 0) endless.add(sign);
      if (end > at + sign.length) {
        put({ kind, inside: inlineParse(text.slice(at + sign.length, end), depth + 1) });
        at = end + sign.length;
      } else {
        plain += sign;
        at += sign.length;
      }
      continue;
    }
    plain += c;
    at += 1;
  }
  if (plain) found.push({ kind: "text", text: plain });
  return found;
}

function runLength(text: string, at: number, c: string): number {
  let end = at;
  while (text[end] === c) end += 1;
  return end - at;
}

/** Where a run of just so many backticks begins. */
function ticksEnd(text: string, from: number, ticks: number): number {
  for (let at = text.indexOf("`", from); at >= 0; ) {
    const length = runLength(text, at, "`");
    if (length === ticks) return at;
    at = text.indexOf("`", at + length);
  }
  return -1;
}

/** Where `sign` closes: after something, and, for one letter, not as half of a double. */
function markEnd(text: string, from: number, sign: string): number {
  for (let at = text.indexOf(sign, from); at >= 0; at = text.indexOf(sign, at + 1)) {
    if (text[at - 1] === "\\" || isBlank(text[at - 1])) continue;
    if (sign.length === 1 && (text[at + 1] === sign || (text[at - 1] === sign && at - 1 >= from))) {
      at += 1;
      continue;
    }
    if (sign[0] === "_" && isWord(text[at + sign.length])) continue;
    return at;
  }
  return -1;
}

/** `[label](https://…)` with its `](` at `middle`; null when it is no link to follow. */
function linkAt(
  text: string,
  at: number,
  middle: number,
): { label: string; href: string; end: number } | null {
  if (middle - at > LINK_MAX) return null;
  const label = text.slice(at + 1, middle);
  // The bracket belongs to another link, which is found when it is its turn.
  if (label.includes("[")) return null;
  let open = 1;
  let end = middle + 2;
  for (; end < text.length && end - middle < LINK_MAX; end += 1) {
    if (text[end] === "(") open += 1;
    if (text[end] === ")" && --open === 0) break;
  }
  if (open > 0) return null;
  const href = markdownHref(
    text
      .slice(middle + 2, end)
      .trim()
      .split(/\s/)[0] ?? "",
  );
  return href ? { label, href, end: end + 1 } : null;
}

const HEADING = /^ {0,3}(#{1,6})(?:[ \t]+(.*))?$/;
const FENCE = /^( {0,3})(`{3,}|~{3,})[ \t]*(.*)$/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])( +|$)/;
const QUOTE = /^ {0,3}> ?/;

const isRule = (line: string) => {
  const signs = line.replace(/[ \t]/g, "");
  return signs.length >= 3 && /^(?:-+|\*+|_+)$/.test(signs);
};

/** What was written, as blocks. */
export function markdownParse(text: string): MarkdownBlock[] {
  return blocksParse(text.replace(/\r\n?/g, "\n").replaceAll("\t", "    ").split("\n"), 0);
}

function blocksParse(lines: readonly string[], depth: number): MarkdownBlock[] {
  const blocks: MarkdownBlock[] = [];
  let paragraph: string[] = [];
  const flush = () => {
    const text = paragraph
      .map((it) => it.trimStart())
      .join("\n")
      .trimEnd();
    if (text) blocks.push({ kind: "paragraph", inside: inlineParse(text) });
    paragraph = [];
  };
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] as string;
    if (line.trim() === "") {
      flush();
      at += 1;
      continue;
    }
    const fence = FENCE.exec(line);
    if (fence && !(fence[2]?.[0] === "`" && fence[3]?.includes("`"))) {
      flush();
      const [, indent = "", sign = "", info = ""] = fence;
      const end = fenceEnd(lines, at + 1, sign);
      blocks.push(codeBlock(info, dedent(lines.slice(at + 1, end), indent.length)));
      at = end + 1;
      continue;
    }
    const heading = HEADING.exec(line);
    if (heading) {
      flush();
      const words = (heading[2] ?? "").trim().replace(/(?:^|\s)#+$/, "");
      blocks.push({ kind: "heading", level: heading[1]?.length ?? 1, inside: inlineParse(words) });
      at += 1;
      continue;
    }
    if (isRule(line)) {
      flush();
      blocks.push({ kind: "rule" });
      at += 1;
      continue;
    }
    if (depth < DEPTH_MAX && QUOTE.test(line)) {
      flush();
      const inside: string[] = [];
      while (at < lines.length && QUOTE.test(lines[at] as string)) {
        inside.push((lines[at] as string).replace(QUOTE, ""));
        at += 1;
      }
      blocks.push({ kind: "quote", inside: blocksParse(inside, depth + 1) });
      continue;
    }
    const item = depth < DEPTH_MAX && ITEM.exec(line);
    // A number in the middle of a sentence that was wrapped is no list.
    if (item && (paragraph.length === 0 || /^(?:[-*+]|1[.)])$/.test(item[2] ?? ""))) {
      flush();
      const { block, end } = listParse(lines, at, depth);
      blocks.push(block);
      at = end;
      continue;
    }
    if (paragraph.length === 0 && line.includes("|") && at + 1 < lines.length) {
      const align = tableAlign(lines[at + 1] as string);
      const head = align && cellsOf(line);
      if (align && head && head.length === align.length) {
        at += 2;
        const rows: MarkdownInline[][][] = [];
        while (at < lines.length && (lines[at] as string).includes("|") && (lines[at] as string).trim()) {
          const cells = cellsOf(lines[at] as string);
          rows.push(align.map((_, column) => inlineParse(cells[column] ?? "")));
          at += 1;
        }
        blocks.push({ kind: "table", align, head: head.map((it) => inlineParse(it)), rows });
        continue;
      }
    }
    paragraph.push(line);
    at += 1;
  }
  flush();
  return blocks;
}

/** The line that closes a fence; the end of the text, when none does. */
function fenceEnd(lines: readonly string[], from: number, sign: string): number {
  for (let at = from; at < lines.length; at += 1) {
    const line = (lines[at] as string).trim();
    if (line.length >= sign.length && line === (sign[0] ?? "").repeat(line.length)) return at;
  }
  return lines.length;
}

const dedent = (lines: readonly string[], indent: number) =>
  indent === 0 ? lines : lines.map((it) => it.slice(Math.min(indent, it.length - it.trimStart().length)));

function codeBlock(info: string, lines: readonly string[]): MarkdownCode {
  const language = (info.trim().split(/[\s{]/)[0] ?? "").toLowerCase();
  const text = lines.join("\n");
  return {
    kind: "code",
    language,
    text,
    command: language === "console" ? commandOf(lines) : text,
    runnable: SHELLS.includes(language) && text.trim() !== "",
  };
}

/** Of what a terminal showed, what somebody typed. */
function commandOf(lines: readonly string[]): string {
  if (!lines.some((it) => it.startsWith("$ "))) return lines.join("\n");
  const typed: string[] = [];
  let goesOn = false;
  for (const line of lines) {
    const prompt = line.startsWith("$ ");
    if (prompt || goesOn) typed.push(prompt ? line.slice(2) : line.replace(/^> /, ""));
    goesOn = (prompt || goesOn) && line.endsWith("\\");
  }
  return typed.join("\n");
}

function listParse(lines: readonly string[], from: number, depth: number) {
  const first = ITEM.exec(lines[from] as string);
  const sign = first?.[2] ?? "-";
  const ordered = /\d/.test(sign);
  // Another bullet, or the other way to number, begins another list.
  const same = (it: string | undefined) =>
    it !== undefined && (ordered ? /\d/.test(it) && it.at(-1) === sign.at(-1) : it === sign);
  const items: MarkdownBlock[][] = [];
  let at = from;
  while (at < lines.length) {
    const item = ITEM.exec(lines[at] as string);
    if (!item || !same(item[2]) || isRule(lines[at] as string)) break;
    // What belongs to the item stands under its first letter; five blanks or more are code's, not ours.
    const gap = (item[3]?.length ?? 0) > 4 || item[3] === "" ? 1 : (item[3]?.length ?? 1);
    const indent = (item[1]?.length ?? 0) + (item[2]?.length ?? 0) + gap;
    const inside = [(lines[at] as string).slice(indent)];
    at += 1;
    let fence = FENCE.exec(inside[0] as string)?.[2];
    while (at < lines.length) {
      const line = lines[at] as string;
      // Two blanks are enough, under a number too: that is how most people write it.
      const blanks = line.length - line.trimStart().length;
      const isIn = line.trim() === "" || blanks >= Math.min(indent, 2 + (item[1]?.length ?? 0));
      const wraps =
        !fence &&
        line.trim() !== "" &&
        (lines[at - 1] as string).trim() !== "" &&
        !ITEM.test(line) &&
        !FENCE.test(line) &&
        !HEADING.test(line) &&
        !QUOTE.test(line) &&
        !isRule(line);
      if (!isIn && !wraps) break;
      const own = dedent([line], indent)[0] as string;
      const mark = FENCE.exec(own)?.[2];
      if (fence) fence = mark && mark[0] === fence[0] && mark.length >= fence.length ? undefined : fence;
      else fence = mark;
      inside.push(own);
      at += 1;
    }
    items.push(blocksParse(inside, depth + 1));
  }
  const block: MarkdownBlock = {
    kind: "list",
    ordered,
    start: ordered ? Number.parseInt(sign, 10) : 1,
    items,
  };
  return { block, end: at };
}

/** The cells of a line of a table; `\|` is a bar in a cell. */
function cellsOf(line: string): string[] {
  const cells: string[] = [];
  let cell = "";
  const row = line.trim();
  for (let at = row[0] === "|" ? 1 : 0; at < row.length; at += 1) {
    if (row[at] === "\\" && row[at + 1] === "|") {
      cell += "|";
      at += 1;
    } else if (row[at] === "|") {
      cells.push(cell.trim());
      cell = "";
    } else cell += row[at];
  }
  if (cell.trim() || cells.length === 0) cells.push(cell.trim());
  return cells;
}

function tableAlign(line: string): Align[] | null {
  if (!line.includes("-")) return null;
  const cells = cellsOf(line);
  if (!cells.every((it) => /^:?-+:?$/.test(it))) return null;
  return cells.map((it) =>
    it.endsWith(":") ? (it.startsWith(":") ? "center" : "right") : it.startsWith(":") ? "left" : undefined,
  );
}

/** What the buttons of a code block say. */
export interface MarkdownWords {
  copy: string;
  copied: string;
  run: string;
}

/** A text that somebody wrote in Markdown. */
export function Markdown({
  text,
  words,
  onRun,
  top = 2,
}: {
  text: string;
  words: MarkdownWords;
  /** Runs a command in the reader's terminal; without it there is no button for that. */
  onRun?: ((command: string) => void) | undefined;
  /** Which heading `#` becomes: what stands above it on the page is larger. */
  top?: 1 | 2 | 3;
}) {
  const blocks = useMemo(() => markdownParse(text), [text]);
  return <div className={styles.markdown}>{blocksDraw(blocks, { words, onRun, top })}</div>;
}

interface Drawing {
  words: MarkdownWords;
  onRun?: ((command: string) => void) | undefined;
  top: number;
}

const each = <It,>(all: readonly It[], draw: (it: It, place: number) => ReactNode): ReactNode =>
  // biome-ignore lint/suspicious/noArrayIndexKey: what is drawn again is the whole text; a place is all there is.
  all.map((it, place) => <Fragment key={place}>{draw(it, place)}</Fragment>);
const blocksDraw = (blocks: MarkdownBlock[], how: Drawing) => each(blocks, (it) => blockDraw(it, how));
const inlineDraw = (inside: MarkdownInline[]): ReactNode => each(inside, pieceDraw);

function pieceDraw(it: MarkdownInline): ReactNode {
  switch (it.kind) {
    case "text":
      return it.text;
    case "code":
      return <code>{it.text}</code>;
    case "break":
      return <br />;
    case "link":
      return (
        <a href={it.href} target="_blank" rel="noopener noreferrer">
          {inlineDraw(it.inside)}
        </a>
      );
    default:
      return createElement(it.kind, null, inlineDraw(it.inside));
  }
}

function blockDraw(block: MarkdownBlock, how: Drawing): ReactNode {
  switch (block.kind) {
    case "heading":
      return createElement(`h${Math.min(6, block.level + how.top - 1)}`, null, inlineDraw(block.inside));
    case "paragraph":
      return <p>{inlineDraw(block.inside)}</p>;
    case "quote":
      return <blockquote>{blocksDraw(block.inside, how)}</blockquote>;
    case "rule":
      return <hr />;
    case "code":
      return <CodeBlock code={block} how={how} />;
    case "list": {
      const items = each(block.items, (it) => <li>{itemDraw(it, how)}</li>);
      return block.ordered ? <ol start={block.start}>{items}</ol> : <ul>{items}</ul>;
    }
    case "table":
      return (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a wide table scrolls, also by keyboard.
        <div className={styles.table} tabIndex={0}>
          <table>
            <thead>
              <tr>{cellsDraw("th", block.head, block.align)}</tr>
            </thead>
            <tbody>
              {each(block.rows, (row) => (
                <tr>{cellsDraw("td", row, block.align)}</tr>
              ))}
            </tbody>
          </table>
        </div>
      );
  }
}

/** An item of one paragraph is drawn close to its neighbours. */
function itemDraw(blocks: MarkdownBlock[], how: Drawing): ReactNode {
  const [first, ...rest] = blocks;
  if (first?.kind !== "paragraph") return blocksDraw(blocks, how);
  return (
    <>
      {inlineDraw(first.inside)}
      {blocksDraw(rest, how)}
    </>
  );
}

const cellsDraw = (tag: "th" | "td", cells: MarkdownInline[][], align: Align[]) =>
  each(cells, (it, column) => createElement(tag, { "data-align": align[column] }, inlineDraw(it)));

function CodeBlock({ code, how: { words, onRun } }: { code: MarkdownCode; how: Drawing }) {
  const { copied, copy } = useCopied(code.command);
  return (
    <div className={styles.code}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long line scrolls, also by keyboard. */}
      <pre tabIndex={0}>
        <code>{code.text}</code>
      </pre>
      <div className={styles.buttons}>
        {code.runnable && onRun && (
          <button type="button" onClick={() => onRun(code.command)}>
            <Icon name="terminal" />
            {words.run}
          </button>
        )}
        <button type="button" onClick={copy}>
          <Icon name={copied ? "tick" : "copy"} />
          {copied ? words.copied : words.copy}
        </button>
      </div>
    </div>
  );
}
