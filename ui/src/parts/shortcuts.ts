/**
 * Keys that do things, where nobody is typing.
 *
 * Promises: single letters are ignored in fields, in dialogs and with modifiers, and can be
 * switched off; none is the only way to do a thing. Does not: touch keys the browser uses.
 */
import { useEffect, useRef } from "react";

const KEY = "nalabo.shortcuts";
/** How long `g` waits for its second letter. */
const SEQUENCE_MS = 1_200;

export function shortcutsOn(): boolean {
  try {
    return localStorage.getItem(KEY) !== "off";
  } catch {
    return true;
  }
}

export function shortcutsSwitch(on: boolean): void {
  try {
    if (on) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, "off");
  } catch {
    // Storage is forbidden: they stay on.
  }
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    target.closest("input, textarea, select, [contenteditable], [role=menu], [role=dialog]") !== null
  );
}

/** Runs `actions` by key: one character, or two with a space between them. */
export function useShortcuts(actions: Record<string, () => void>): void {
  const current = useRef(actions);
  useEffect(() => {
    current.current = actions;
  });
  useEffect(() => {
    let first = "";
    let firstAt = 0;
    const onKey = (event: KeyboardEvent) => {
      const { key } = event;
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || key.length !== 1)
        return;
      if (isTyping(event.target) || document.querySelector("[role=dialog]") || !shortcutsOn()) return;
      const sequence = Date.now() - firstAt < SEQUENCE_MS ? `${first} ${key}` : key;
      const action = current.current[sequence] ?? current.current[key];
      first = key;
      firstAt = Date.now();
      if (!action) return;
      first = "";
      event.preventDefault();
      action();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
}
