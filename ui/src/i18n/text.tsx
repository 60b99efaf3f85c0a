/**
 * Every text of the console, by its key in en.json and fr.json.
 *
 * Promises: a key that does not exist does not compile, and a language is loaded before anything is
 * drawn in it. Does not: join fragments; a sentence is one key with slots.
 */
import { type ReactNode, useMemo } from "react";
import { FormattedMessage, IntlProvider, type IntlShape, useIntl } from "react-intl";
import type en from "./en.json";
import { type Language, languageChoose, languageRead } from "./language";

export type TextKey = keyof typeof en;
type Slots = Record<string, string | number | Date>;
export type Text = (key: TextKey, slots?: Slots) => string;

const catalogues = new Map<Language, Record<string, string>>();

/** Loads a language once; the other one is fetched only when it is chosen. */
export async function catalogueLoad(language: Language = languageRead()): Promise<void> {
  if (catalogues.has(language)) return;
  const { default: catalogue } = language === "fr" ? await import("./fr.json") : await import("./en.json");
  catalogues.set(language, catalogue);
}

/** Changes the language once its texts have arrived, so that nothing is drawn without words. */
export async function languageSwitch(language: Language): Promise<void> {
  await catalogueLoad(language);
  languageChoose(language);
}

export function TextProvider({ language, children }: { language: Language; children: ReactNode }) {
  return (
    <IntlProvider locale={language} messages={catalogues.get(language) ?? {}} onError={() => {}}>
      {children}
    </IntlProvider>
  );
}

export function textOf(intl: IntlShape): Text {
  return (key, slots) => intl.formatMessage({ id: key }, slots);
}

export function useText(): Text {
  const intl = useIntl();
  return useMemo(() => textOf(intl), [intl]);
}

/** A text by a key made from an API code, if the catalogue has one: codes may be newer than the console. */
export function useTextIfKnown(): (key: string, slots?: Slots) => string | undefined {
  const intl = useIntl();
  return useMemo(
    () => (key, slots) => (key in intl.messages ? intl.formatMessage({ id: key }, slots) : undefined),
    [intl],
  );
}

/** A text with marks in it, such as `<b>…</b>` or a link. */
export function Rich({
  id,
  slots,
}: {
  id: TextKey;
  slots: Record<string, ReactNode | Date | ((chunks: ReactNode[]) => ReactNode)>;
}) {
  return <FormattedMessage id={id} values={{ b: bold, ...slots }} />;
}

const bold = (chunks: ReactNode[]) => <b>{chunks}</b>;
