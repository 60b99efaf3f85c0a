/**
 * One tooltip for the whole console, shown on hover and on keyboard focus.
 *
 * Promises: one layer however many triggers there are, so a table of 1,000 rows stays light; it can
 * be reached with the pointer, goes away with Escape, and stays inside the window. Does not: hold
 * anything that cannot be read elsewhere or by assistive technology.
 */
import {
  cloneElement,
  type FocusEvent,
  type PointerEvent,
  type ReactElement,
  type ReactNode,
  useEffect,
  useLayoutEffect,
  useRef,
  useSyncExternalStore,
} from "react";
import styles from "./Tip.module.css";

interface Shown {
  content: ReactNode;
  anchor: HTMLElement;
}

const ID = "tip";
const OPEN_AFTER_MS = 250;
/** Long enough for the pointer to cross the gap to the layer. */
const CLOSE_AFTER_MS = 120;
const GAP_PX = 6;
const EDGE_PX = 8;

let shown: Shown | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();

function show(next: Shown | null, after_ms = 0) {
  clearTimeout(timer);
  if (after_ms > 0) {
    timer = setTimeout(() => show(next), after_ms);
    return;
  }
  if (shown?.anchor.getAttribute("aria-describedby") === ID) shown.anchor.removeAttribute("aria-describedby");
  if (next && !next.anchor.hasAttribute("aria-describedby")) next.anchor.setAttribute("aria-describedby", ID);
  shown = next;
  for (const tell of listeners) tell();
}

interface Handlers {
  onPointerEnter?: (event: PointerEvent<HTMLElement>) => void;
  onPointerLeave?: (event: PointerEvent<HTMLElement>) => void;
  onFocus?: (event: FocusEvent<HTMLElement>) => void;
  onBlur?: (event: FocusEvent<HTMLElement>) => void;
}

/** Gives `render` a tooltip. */
export function TipTrigger({ content, render }: { content: ReactNode; render: ReactElement }) {
  const own = render.props as Handlers;
  const handlers: Required<Handlers> = {
    onPointerEnter: (event) => {
      own.onPointerEnter?.(event);
      // A finger has no hover; what matters is written out as well.
      if (event.pointerType !== "touch") show({ content, anchor: event.currentTarget }, OPEN_AFTER_MS);
    },
    onPointerLeave: (event) => {
      own.onPointerLeave?.(event);
      show(null, CLOSE_AFTER_MS);
    },
    onFocus: (event) => {
      own.onFocus?.(event);
      if (event.currentTarget.matches(":focus-visible")) show({ content, anchor: event.currentTarget });
    },
    onBlur: (event) => {
      own.onBlur?.(event);
      show(null);
    },
  };
  return cloneElement(render as ReactElement<Handlers>, handlers);
}

/** The layer itself; stands once, beside the routes. */
export function TipLayer() {
  const layer = useRef<HTMLDivElement>(null);
  const now = useSyncExternalStore(
    (tell) => {
      listeners.add(tell);
      return () => listeners.delete(tell);
    },
    () => shown,
  );

  useLayoutEffect(() => {
    const it = layer.current;
    if (!it || !now) return;
    const at = now.anchor.getBoundingClientRect();
    const { width, height } = it.getBoundingClientRect();
    const left = Math.min(
      at.left + at.width / 2 - width / 2,
      document.documentElement.clientWidth - width - EDGE_PX,
    );
    const above = at.top - height - GAP_PX;
    it.style.left = `${Math.max(EDGE_PX, left)}px`;
    it.style.top = `${above >= EDGE_PX ? above : at.bottom + GAP_PX}px`;
  }, [now]);

  useEffect(() => {
    if (!now) return;
    const onKey = (event: KeyboardEvent) => event.key === "Escape" && show(null);
    const onScroll = () => show(null);
    document.addEventListener("keydown", onKey);
    window.addEventListener("scroll", onScroll, { capture: true, passive: true });
    // A trigger that is taken away, such as a row that scrolled out, takes its tip along.
    const gone = setInterval(() => !now.anchor.isConnected && show(null), 500);
    return () => {
      document.removeEventListener("keydown", onKey);
      window.removeEventListener("scroll", onScroll, { capture: true });
      clearInterval(gone);
    };
  }, [now]);

  if (!now) return null;
  return (
    <div
      ref={layer}
      id={ID}
      role="tooltip"
      className={styles.tip}
      onPointerEnter={() => clearTimeout(timer)}
      onPointerLeave={() => show(null, CLOSE_AFTER_MS)}
    >
      {now.content}
    </div>
  );
}
