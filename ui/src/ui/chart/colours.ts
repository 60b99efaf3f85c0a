/** The tokens a canvas needs, read from the page: a canvas knows no custom properties. */
import { useSyncExternalStore } from "react";

const TOKENS = {
  paper: "--paper",
  raised: "--raised",
  rule: "--rule",
  ruleStrong: "--rule-strong",
  ink: "--ink",
  ink2: "--ink-2",
  ink3: "--ink-3",
  accent: "--accent",
  used: "--used",
  usedSoft: "--used-soft",
  requested: "--req",
  allocatable: "--alloc",
  band: "--sunken",
  ok: "--ok-mark",
  warn: "--warn-mark",
  down: "--down-mark",
  idle: "--idle-mark",
  series0: "--used",
  series1: "--training",
  series2: "--staging",
  series3: "--ink",
  series4: "--prod",
} as const;

export type Colours = Record<keyof typeof TOKENS, string>;

/** As they are in the theme of the page, or in the one that is named. */
export function coloursRead(theme?: "light" | "dark"): Colours {
  const probe = document.createElement("span");
  if (theme) probe.dataset.theme = theme;
  probe.hidden = true;
  document.body.append(probe);
  const colours = {} as Colours;
  for (const [name, token] of Object.entries(TOKENS)) {
    probe.style.color = `var(${token})`;
    colours[name as keyof Colours] = getComputedStyle(probe).color;
  }
  probe.remove();
  return colours;
}

/** Changes when the theme does. */
let now: Colours | undefined;
const listeners = new Set<() => void>();
function themeChanged() {
  now = undefined;
  for (const tell of listeners) tell();
}
function subscribe(tell: () => void) {
  if (listeners.size === 0) watch();
  listeners.add(tell);
  return () => {
    listeners.delete(tell);
    if (listeners.size === 0) unwatch();
  };
}
let unwatch = () => {};
function watch() {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const chosen = new MutationObserver(themeChanged);
  system.addEventListener("change", themeChanged);
  chosen.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  unwatch = () => {
    system.removeEventListener("change", themeChanged);
    chosen.disconnect();
  };
  // It may have changed while nobody looked.
  now = undefined;
}

export function useColours(): Colours {
  return useSyncExternalStore(subscribe, () => {
    now ??= coloursRead();
    return now;
  });
}

/** How each kind of line is drawn, on screen and in downloads. */
export function strokeOf(
  look: "used" | "requested" | "allocatable" | "threshold" | "other",
  nth: number,
  colours: Colours,
): { colour: string; width: number; dash?: readonly number[] } {
  switch (look) {
    case "used":
      return { colour: colours.used, width: 1.75 };
    case "requested":
      return { colour: colours.requested, width: 1.25, dash: [5, 4] };
    case "allocatable":
      return { colour: colours.allocatable, width: 1 };
    case "threshold":
      return { colour: colours.warn, width: 1.25, dash: [1.5, 3] };
    case "other": {
      const hues = [colours.series0, colours.series1, colours.series2, colours.series3, colours.series4];
      // Beyond the hues the dash tells lines apart.
      const dashes = [undefined, [7, 3], [2, 3], [9, 3, 2, 3], [4, 2]];
      const dash = dashes[nth % dashes.length];
      return { colour: hues[nth % hues.length] ?? colours.ink, width: 1.5, ...(dash ? { dash } : {}) };
    }
  }
}
