/**
 * A shell in the environment, in the page.
 *
 * Promises: it can be left by keyboard, and says how; what is pasted or run is typed only while there
 * is a shell; a lost connection is opened again by itself. Does not: take the focus unasked.
 */
import { FitAddon } from "@xterm/addon-fit";
import { type ITheme, Terminal as Xterm } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";
import { useEffect, useRef, useState } from "react";
import { useNow } from "../../i18n/now";
import { Icon } from "../../ui/Icon";
import { Button } from "../parts";
import { thisSeat } from "../seat";
import { useText } from "../text";
import { lengthWords } from "../time";
import type { Order } from "../Workspace";
import { type Link, type LinkState, linkOpen } from "./link";
import { typedCommand } from "./protocol";
import { withoutStyleElements } from "./styles";
import styles from "./Terminal.module.css";

const SIZES_PX = [11, 12, 13, 14, 16, 18, 21] as const;
const LINES_KEPT = 5_000;
/** The page leaves this view within so long when the environment is over. */
const STILL_THERE_MS = 12_000;
/** Leaves the alternate screen, mouse and paste modes of a program that died with its shell. */
const SOFT_RESET = "\u001b[?1049l\u001b[?1000l\u001b[?1002l\u001b[?1003l\u001b[?1006l\u001b[?2004l\u001b[!p";

/** Dark in both themes; the same hues as tokens.css. */
const THEME: ITheme = {
  background: "#101214",
  foreground: "#dfe2e6",
  cursor: "#eceef1",
  cursorAccent: "#101214",
  selectionBackground: "#3d4d8f",
  black: "#1c2024",
  red: "#ff8d75",
  green: "#62d2ab",
  yellow: "#f3b95c",
  blue: "#93a8ff",
  magenta: "#f08fd0",
  cyan: "#6fcbe6",
  white: "#b7bcc4",
  brightBlack: "#7c838c",
  brightRed: "#ffab99",
  brightGreen: "#8ce3c4",
  brightYellow: "#f9d08c",
  brightBlue: "#b3c2ff",
  brightMagenta: "#f6b5e0",
  brightCyan: "#a0def0",
  brightWhite: "#ffffff",
};

/** What keyboards on glass lack. */
const TOUCH_KEYS = [
  ["Esc", "\u001b"],
  ["Tab", "\t"],
  ["Ctrl C", "\u0003"],
  ["↑", "\u001b[A"],
  ["↓", "\u001b[B"],
] as const;

const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);
const socketAddress = () =>
  `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/portal/terminal`;

export default function Terminal({
  order,
  onTaken,
  onLeave,
  isShown,
}: {
  order: Order | null;
  onTaken: (wasTyped: boolean) => void;
  onLeave: () => void;
  isShown: boolean;
}) {
  const t = useText();
  const frame = useRef<HTMLDivElement>(null);
  const xterm = useRef<Xterm | null>(null);
  const link = useRef<Link | null>(null);
  const refit = useRef(() => {});
  const [state, setState] = useState<LinkState>({ kind: "connecting" });
  const [size, setSize] = useState(2);
  const [isRead, setRead] = useState(false);
  const [isPasteRefused, setPasteRefused] = useState(false);
  // Read by handlers that live as long as the terminal.
  const words = useRef({ newShell: "", onLeave });
  words.current = { newShell: t("terminal.new_shell"), onLeave };

  useEffect(() => {
    const place = frame.current;
    if (!place) return;
    const terminal = new Xterm({
      allowProposedApi: false,
      cursorBlink: !matchMedia("(prefers-reduced-motion: reduce)").matches,
      fontFamily: '"SF Mono", "Cascadia Mono", "Roboto Mono", "Liberation Mono", Menlo, Consolas, monospace',
      fontSize: 13,
      lineHeight: 1.25,
      minimumContrastRatio: 4.5,
      scrollback: LINES_KEPT,
      theme: THEME,
    });
    const fit = new FitAddon();
    terminal.loadAddon(fit);
    withoutStyleElements(() => terminal.open(place));
    let wasOpen = false;
    const shell = linkOpen({
      url: socketAddress(),
      onOutput: (bytes) => terminal.write(bytes),
      onState: (next) => {
        if (next.kind === "open") {
          if (wasOpen) terminal.write(`${SOFT_RESET}\r\n\u001b[2m— ${words.current.newShell} —\u001b[0m\r\n`);
          wasOpen = true;
        }
        setState(next);
      },
    });
    const keys = [
      terminal.onData((typed) => shell.send(typed)),
      terminal.onResize(({ cols, rows }) => shell.resize(cols, rows)),
    ];
    terminal.attachCustomKeyEventHandler((event) =>
      keyIsShells(event, terminal, () => words.current.onLeave()),
    );
    refit.current = () => {
      // Hidden, it has no size to fit into.
      if (place.offsetParent) fit.fit();
    };
    const watch = new ResizeObserver(() => requestAnimationFrame(() => refit.current()));
    watch.observe(place);
    refit.current();
    xterm.current = terminal;
    link.current = shell;
    return () => {
      watch.disconnect();
      refit.current = () => {};
      for (const it of keys) it.dispose();
      shell.close();
      terminal.dispose();
      xterm.current = null;
      link.current = null;
    };
  }, []);

  useEffect(() => {
    const terminal = xterm.current;
    if (!terminal) return;
    terminal.options.fontSize = SIZES_PX[size];
    terminal.options.screenReaderMode = isRead;
    // A new size of letters changes how many fit.
    refit.current();
  }, [size, isRead]);

  useEffect(() => {
    if (!order || state.kind === "connecting") return;
    const terminal = xterm.current;
    const typed = typedCommand(order.command, terminal?.modes.bracketedPasteMode ?? false);
    onTaken(link.current?.send(typed) ?? false);
    terminal?.scrollToBottom();
    if (isShown) terminal?.focus();
  }, [order, state.kind, onTaken, isShown]);

  // What ended may be more than the terminal. If not, a server that restarts ended it, and it is back.
  useEffect(() => {
    if (state.kind !== "over" || state.reason === "closed") return;
    thisSeat.ask();
    const timer = setTimeout(() => link.current?.retry(), STILL_THERE_MS);
    return () => clearTimeout(timer);
  }, [state]);

  // The same key leads in and out.
  useEffect(() => {
    const enter = (event: KeyboardEvent) => {
      if (event.key !== "F6" || event.defaultPrevented || !frame.current?.offsetParent) return;
      event.preventDefault();
      xterm.current?.focus();
    };
    window.addEventListener("keydown", enter);
    return () => window.removeEventListener("keydown", enter);
  }, []);

  const paste = async () => {
    try {
      const text = await navigator.clipboard.readText();
      setPasteRefused(false);
      xterm.current?.paste(text);
      xterm.current?.focus();
    } catch {
      setPasteRefused(true);
    }
  };
  const press = (typed: string) => {
    link.current?.send(typed);
    xterm.current?.focus();
  };

  return (
    <div className={styles.terminal}>
      <div className={styles.bar}>
        <State state={state} onRetry={() => link.current?.retry()} />
        <div className={styles.tools}>
          <Button look="ghost" onClick={() => void paste()}>
            {t("terminal.paste")}
          </Button>
          <Button
            look="ghost"
            aria-label={t("terminal.smaller")}
            onClick={() => setSize((it) => Math.max(0, it - 1))}
          >
            A−
          </Button>
          <Button
            look="ghost"
            aria-label={t("terminal.larger")}
            onClick={() => setSize((it) => Math.min(SIZES_PX.length - 1, it + 1))}
          >
            A+
          </Button>
        </div>
      </div>
      {isPasteRefused && (
        <p role="status" className={styles.note}>
          {t("terminal.paste_refused")}
        </p>
      )}
      <div ref={frame} className={styles.frame} />
      <div className={styles.touch}>
        {TOUCH_KEYS.map(([name, typed]) => (
          <button key={name} type="button" onClick={() => press(typed)}>
            {name}
          </button>
        ))}
      </div>
      <div className={styles.foot}>
        <span>
          {t("terminal.leave")} <kbd>F6</kbd>
        </span>
        <span>
          {t("terminal.copy_paste", {
            copy: t(isMac ? "terminal.copy_keys_mac" : "terminal.copy_keys"),
            paste: t(isMac ? "terminal.paste_keys_mac" : "terminal.paste_keys"),
          })}
        </span>
        <label>
          <input type="checkbox" checked={isRead} onChange={(event) => setRead(event.target.checked)} />
          {t("terminal.reader")}
        </label>
      </div>
    </div>
  );
}

/** Whether the shell gets this key; the others are the page's or the browser's. */
function keyIsShells(event: KeyboardEvent, terminal: Xterm, onLeave: () => void): boolean {
  const isDown = event.type === "keydown";
  if (event.key === "F6") {
    if (isDown) {
      event.preventDefault();
      onLeave();
    }
    return false;
  }
  if (isMac || !event.ctrlKey || event.altKey || event.metaKey) return true;
  const key = event.key.toLowerCase();
  // The browser pastes by itself, and xterm types what it is given.
  if (key === "v") return false;
  if (key === "c" && (event.shiftKey || terminal.hasSelection())) {
    if (isDown) {
      // Works without https too; the browser's own key for this is another tool.
      event.preventDefault();
      document.execCommand("copy");
      terminal.clearSelection();
    }
    return false;
  }
  return true;
}

function State({ state, onRetry }: { state: LinkState; onRetry: () => void }) {
  const t = useText();
  switch (state.kind) {
    case "connecting":
      return (
        <p className={styles.state} role="status">
          <Icon name="spinner" spin />
          {t("terminal.connecting")}
        </p>
      );
    case "open":
      return (
        <p className={styles.state} role="status" data-tone="ok">
          <Icon name="check" />
          {t("terminal.open")}
        </p>
      );
    case "waiting":
      return <Waiting until_ms={state.until_ms} onRetry={onRetry} />;
    case "over":
      return (
        <p className={styles.state} role="status" data-tone="warn">
          <Icon name="info" />
          {t(`terminal.over.${state.reason}`)}
          {state.reason === "closed" && (
            <Button icon="terminal" onClick={onRetry}>
              {t("terminal.open_again")}
            </Button>
          )}
        </p>
      );
  }
}

function Waiting({ until_ms, onRetry }: { until_ms: number; onRetry: () => void }) {
  const t = useText();
  useNow();
  const left_ms = Math.max(1_000, until_ms - Date.now());
  return (
    <p className={styles.state} data-tone="warn">
      <Icon name="plug" />
      {t("terminal.waiting", { time: lengthWords(t, left_ms) })}
      <Button icon="retry" onClick={onRetry}>
        {t("terminal.retry")}
      </Button>
    </p>
  );
}
