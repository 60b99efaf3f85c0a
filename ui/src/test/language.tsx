/** The console in one language, for tests: the same catalogues, without a browser. */
import { type RenderResult, render } from "@testing-library/react";
import type { ReactElement } from "react";
import { createIntl, IntlProvider } from "react-intl";
import en from "../i18n/en.json";
import { formatOf } from "../i18n/format";
import fr from "../i18n/fr.json";
import type { Language } from "../i18n/language";
import { textOf } from "../i18n/text";

const messages = { en, fr };

export function inLanguage(language: Language) {
  const intl = createIntl({ locale: language, messages: messages[language] });
  return { t: textOf(intl), format: formatOf(intl) };
}

export function renderIn(language: Language, element: ReactElement): RenderResult {
  return render(
    <IntlProvider locale={language} messages={messages[language]}>
      {element}
    </IntlProvider>,
  );
}
