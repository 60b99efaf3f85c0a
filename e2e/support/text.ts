/** The words of the console, from its own catalogues, for journeys in either language. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export type Language = "en" | "fr";
export type Text = (key: string, slots?: Record<string, string>) => string;

/** Reads a catalogue. Knows plain slots, `{name}`, and no plurals. */
export function textOf(language: Language): Text {
  const file = join(import.meta.dirname, `../../ui/src/i18n/${language}.json`);
  const catalogue = JSON.parse(readFileSync(file, "utf8")) as Record<string, string>;
  return (key, slots = {}) => {
    const words = catalogue[key];
    if (words === undefined) throw new Error(`the catalogue of ${language} has no ${key}`);
    return words.replace(/\{(\w+)\}/g, (_, slot: string) => slots[slot] ?? `{${slot}}`);
  };
}
