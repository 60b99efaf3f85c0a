/**
 * The words of the participant's page, in French and English.
 *
 * Promises: a key that does not exist does not compile, a plural follows the rules of the language.
 * Does not: know ICU messages: the library that does costs more than the rest of this page.
 */
import { type Language, useLanguage } from "../i18n/language";
import en from "./en.json";
import fr from "./fr.json";

export type TextKey = keyof typeof en;
type Slots = Record<string, string | number>;
export type Text = (key: TextKey, slots?: Slots) => string;
type Words = string | { one: string; other: string };

const CATALOGUES: Record<Language, Record<TextKey, Words>> = { en, fr };
const made = new Map<Language, Text>();

/** The texts of a language; the same function each time. */
export function textOf(language: Language): Text {
  const known = made.get(language);
  if (known) return known;
  const plural = new Intl.PluralRules(language);
  const text: Text = (key, slots = {}) => {
    const words = CATALOGUES[language][key];
    const form =
      typeof words === "string"
        ? words
        : words[plural.select(Number(slots.count)) === "one" ? "one" : "other"];
    return form.replace(/\{(\w+)\}/g, (_, slot: string) => String(slots[slot] ?? ""));
  };
  made.set(language, text);
  return text;
}

/** Whether the catalogues have a text by that key: codes of the server may be newer than this page. */
export function isTextKey(key: string): key is TextKey {
  return key in en;
}

export function useText(): Text {
  return textOf(useLanguage());
}
