/**
 * At work: the instructions beside the terminal; one of the two at a time where both do not fit.
 *
 * Promises: a command that is run goes into the terminal that is on screen, once, and it is said when
 * it could not. Does not: load the terminal before it is looked at.
 */
import {
  Component,
  type KeyboardEvent,
  lazy,
  type ReactNode,
  Suspense,
  useCallback,
  useEffect,
  useRef,
  useState,
} from "react";
import { Instructions } from "./Instructions";
import { Band, Button, useMedia } from "./parts";
import type { PortalView } from "./portal";
import { useText } from "./text";
import styles from "./Workspace.module.css";

const loadTerminal = () => import("./terminal/Terminal");
const KEY = "nalabo.join.split";
const LEAST = 25;
const MOST = 75;
const STEP = 2;

/** A command on its way into the terminal. */
export interface Order {
  command: string;
  number: number;
}

export function Workspace({ view }: { view: PortalView }) {
  const t = useText();
  const isWide = useMedia("(min-width: 821px)");
  const hasText = Object.values(view.instructions).some((it) => it?.trim());
  const [tab, setTab] = useState<"read" | "terminal">(hasText ? "read" : "terminal");
  const [wasOpened, setOpened] = useState(tab === "terminal");
  const [order, setOrder] = useState<Order | null>(null);
  const [isRefused, setRefused] = useState(false);
  const [split, setSplit] = useState(splitRead);
  const work = useRef<HTMLElement>(null);
  const reading = useRef<HTMLElement>(null);
  const isSplit = isWide && hasText;
  const isOpen = isWide || wasOpened;
  // Whoever turns a tablet keeps the shell.
  useEffect(() => {
    if (isWide) setOpened(true);
  }, [isWide]);

  const show = (next: "read" | "terminal") => {
    setTab(next);
    if (next === "terminal") setOpened(true);
  };
  const run = useCallback((command: string) => {
    setTab("terminal");
    setOpened(true);
    setRefused(false);
    setOrder((was) => ({ command, number: (was?.number ?? 0) + 1 }));
  }, []);
  const taken = useCallback((wasTyped: boolean) => {
    setOrder(null);
    setRefused(!wasTyped);
  }, []);
  const leave = useCallback(() => {
    setTab("read");
    // Once it is shown, where it was not.
    requestAnimationFrame(() => (reading.current ?? work.current)?.focus());
  }, []);

  return (
    <main ref={work} className={styles.work} tabIndex={-1}>
      {!isWide && hasText && (
        <Tabs
          label={t("work.views")}
          value={tab}
          options={[
            { value: "read", label: t("work.instructions") },
            { value: "terminal", label: t("work.terminal") },
          ]}
          onChoose={show}
        />
      )}
      {isRefused && (
        <div role="alert">
          <Band tone="warn" icon="info">
            {t("work.not_connected")}
          </Band>
        </div>
      )}
      <div
        className={styles.split}
        style={
          isSplit ? { gridTemplateColumns: `minmax(0, ${split}fr) 11px minmax(0, ${100 - split}fr)` } : {}
        }
      >
        {hasText && (
          <section
            ref={reading}
            id="join-read"
            className={styles.read}
            aria-label={t("work.instructions")}
            tabIndex={-1}
            hidden={!isWide && tab !== "read"}
          >
            <Instructions
              written={view.instructions}
              title={t("work.instructions")}
              isTitleHidden={!isWide}
              onRun={run}
            />
          </section>
        )}
        {isSplit && (
          <Grip
            label={t("work.split")}
            value={split}
            onChange={(next) => {
              setSplit(next);
              splitKeep(next);
            }}
          />
        )}
        <section
          id="join-terminal"
          className={styles.terminal}
          aria-label={t("work.terminal")}
          hidden={!isWide && tab !== "terminal" && hasText}
        >
          {isOpen && (
            <Loaded
              order={order}
              onTaken={taken}
              onLeave={leave}
              isShown={isWide || tab === "terminal" || !hasText}
            />
          )}
        </section>
      </div>
    </main>
  );
}

type TerminalProps = {
  order: Order | null;
  onTaken: (wasTyped: boolean) => void;
  onLeave: () => void;
  isShown: boolean;
};

/** The terminal, fetched when it is first needed; again when that failed. */
function Loaded(props: TerminalProps) {
  const t = useText();
  const [Terminal, setTerminal] = useState(() => lazy(loadTerminal));
  const [attempt, setAttempt] = useState(0);
  const again = () => {
    setTerminal(() => lazy(loadTerminal));
    setAttempt(attempt + 1);
  };
  return (
    <Caught
      key={attempt}
      instead={
        <div className={styles.absent}>
          <p>{t("terminal.failed")}</p>
          <Button icon="retry" onClick={again}>
            {t("page.try_again")}
          </Button>
        </div>
      }
    >
      <Suspense
        fallback={
          <p role="status" className={styles.absent}>
            {t("terminal.loading")}
          </p>
        }
      >
        <Terminal {...props} />
      </Suspense>
    </Caught>
  );
}

class Caught extends Component<{ instead: ReactNode; children: ReactNode }, { hasFailed: boolean }> {
  override state = { hasFailed: false };
  static getDerivedStateFromError() {
    return { hasFailed: true };
  }
  override render() {
    return this.state.hasFailed ? this.props.instead : this.props.children;
  }
}

function Tabs<Value extends string>({
  label,
  value,
  options,
  onChoose,
}: {
  label: string;
  value: Value;
  options: readonly { value: Value; label: string }[];
  onChoose: (value: Value) => void;
}) {
  const list = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const at = options.findIndex((it) => it.value === value);
    const next = (at + by + options.length) % options.length;
    const option = options[next];
    if (!option) return;
    onChoose(option.value);
    (list.current?.children[next] as HTMLElement | undefined)?.focus();
  };
  return (
    <div ref={list} role="tablist" aria-label={label} className={styles.tabs} onKeyDown={move}>
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          role="tab"
          aria-selected={option.value === value}
          aria-controls={`join-${option.value}`}
          tabIndex={option.value === value ? 0 : -1}
          onClick={() => onChoose(option.value)}
        >
          {option.label}
        </button>
      ))}
    </div>
  );
}

function splitRead(): number {
  try {
    const kept = Number(localStorage.getItem(KEY));
    return kept >= LEAST && kept <= MOST ? kept : 45;
  } catch {
    return 45;
  }
}

function splitKeep(split: number): void {
  try {
    localStorage.setItem(KEY, String(split));
  } catch {
    // Storage is forbidden: the width lasts as long as the page.
  }
}

/** What divides the two halves; moved with the pointer or the arrow keys. */
function Grip({
  label,
  value,
  onChange,
}: {
  label: string;
  value: number;
  onChange: (value: number) => void;
}) {
  const put = (next: number) => onChange(Math.round(Math.max(LEAST, Math.min(MOST, next))));
  return (
    // biome-ignore lint/a11y/useSemanticElements: a rule between two parts cannot be moved, and this can.
    <div
      role="separator"
      aria-orientation="vertical"
      aria-label={label}
      aria-valuenow={value}
      aria-valuemin={LEAST}
      aria-valuemax={MOST}
      tabIndex={0}
      className={styles.grip}
      onKeyDown={(event) => {
        const by = { ArrowLeft: -STEP, ArrowRight: STEP, Home: -100, End: 100 }[event.key];
        if (!by) return;
        event.preventDefault();
        put(value + by);
      }}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={(event) => {
        if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
        const whole = event.currentTarget.parentElement?.getBoundingClientRect();
        if (whole) put(((event.clientX - whole.left) / whole.width) * 100);
      }}
    />
  );
}
