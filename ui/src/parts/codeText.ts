/** Cause and remedy of a failure code, in the reader's language. */
import { useLanguage } from "../i18n/language";
import { useTextIfKnown } from "../i18n/text";

interface Coded {
  code?: string | null;
  cause?: string | null;
  remedy?: string | null;
}

/**
 * The server's English sentences name the place, so they are preferred in English; in another
 * language the catalogue speaks, and the server's words are kept for a code it does not know yet.
 */
export function useCodeText(): (coded: Coded) => { cause: string | undefined; remedy: string | undefined } {
  const known = useTextIfKnown();
  const language = useLanguage();
  return ({ code, cause, remedy }) => {
    const own = (part: "cause" | "remedy") => (code ? known(`code.${code}.${part}`) : undefined);
    return language === "en"
      ? { cause: cause ?? own("cause"), remedy: remedy ?? own("remedy") }
      : { cause: own("cause") ?? cause ?? undefined, remedy: own("remedy") ?? remedy ?? undefined };
  };
}
