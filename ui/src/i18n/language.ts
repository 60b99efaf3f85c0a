/** Which language is spoken: the person's choice, else the browser's. public/boot.js reads the same key. */
import { useSyncExternalStore } from "react";

export type Language = "en" | "fr";
const KEY = "nalabo.language";
const listeners = new Set<() => void>();

export function languageRead(): Language {
  return document.documentElement.lang.startsWith("fr") ? "fr" : "en";
}

export function languageChoose(language: Language): void {
  document.documentElement.lang = language;
  try {
    localStorage.setItem(KEY, language);
  } catch {
    // Storage is forbidden: the choice lasts as long as the page.
  }
  for (const tell of listeners) tell();
}

export function useLanguage(): Language {
  return useSyncExternalStore((tell) => {
    listeners.add(tell);
    return () => listeners.delete(tell);
  }, languageRead);
}
