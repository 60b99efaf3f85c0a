/** The two catalogues say the same things, say all that the console asks for, and nothing else. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type MessageFormatElement, parse, TYPE } from "@formatjs/icu-messageformat-parser";
import { describe, expect, test } from "vitest";
import en from "./en.json";
import fr from "./fr.json";

const catalogues = { en, fr } as Record<string, Record<string, string>>;

/** What the API may send, from its own description. */
const { schemas } = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../../crates/api/openapi.json"), "utf8"),
).components;

/** Names of the slots and marks of a message, those inside plurals too. */
function slots(message: string): string[] {
  const found = new Set<string>();
  const walk = (elements: MessageFormatElement[]) => {
    for (const it of elements) {
      if (it.type === TYPE.literal || it.type === TYPE.pound) continue;
      found.add(it.type === TYPE.tag ? `<${it.value}>` : it.value);
      if (it.type === TYPE.tag) walk(it.children);
      if (it.type === TYPE.plural || it.type === TYPE.select) {
        for (const option of Object.values(it.options)) walk(option.value);
      }
    }
  };
  walk(parse(message));
  return [...found].sort();
}

/** Everything the console is written in, tests left out; the participant's page has its own texts. */
function sources(folder = join(import.meta.dirname, "..")): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((it) => {
    const path = join(folder, it.name);
    if (it.isDirectory()) return it.name === "join" ? [] : sources(path);
    const isSource = /\.tsx?$/.test(it.name) && !/\.(test|gen|d)\.tsx?$/.test(it.name);
    return isSource ? [readFileSync(path, "utf8")] : [];
  });
}

/** Keys that are put together at run time, from a code of the API or a group. */
const MADE_AT_RUN_TIME =
  /^(code\.\w+\.(cause|remedy)|reason\.\w+|right\.\w+\.\w+|count\.\w+|problem\.\w+(\.hint)?|audit\.(action|field)\.\w+|role\.\w+|environment_long\.\w+|ribbon\.\w+|test\.(running|waiting|not_reached)|action\.(cordon|uncordon|enable)|mode\.(enabled|disabled)|range\.\w+|range_long\.\w+|trend\.(day|month)|node_pressure\.\w+|node\.top_(cpu|memory)|alert\.(detail|rule|severity|held_by)\.\w+|channel\.(format|disabled)\.\w+|delivery\.(event|state|error)\.\w+|weekday\.\w+|credential\.(token|client_certificate|service_account)|env_(reason|step)\.\w+|driver\.\w+|preset\.(small|medium|large)|seat\.count\.\w+|session\.nothing_\w+|deed\.\w+_(title|do)|done\.deed_\w+|setting\.(\w+_(percent|max|seconds|minutes|once)|image_\w+)(_hint)?)$/;

describe("catalogues", () => {
  test("French and English have the same keys", () => {
    expect(Object.keys(fr).sort()).toEqual(Object.keys(en).sort());
  });

  test("every text has the same slots in both languages", () => {
    const uneven = Object.keys(en).filter(
      (key) => slots(catalogues.en?.[key] ?? "").join() !== slots(catalogues.fr?.[key] ?? "").join(),
    );
    expect(uneven).toEqual([]);
  });

  test("every key that the code writes exists, and every key that exists is used", () => {
    const code = sources().join("\n");
    const families = new Set(Object.keys(en).map((key) => key.split(".")[0]));
    const written = [...code.matchAll(/["'`]([a-z_]+(?:\.[a-z_]+)+)["'`]/g)]
      .map((it) => it[1] ?? "")
      .filter((it) => families.has(it.split(".")[0] ?? "") && !/\.(json|yaml|js|css)$/.test(it));
    expect(written.filter((key) => !(key in en))).toEqual([]);
    const used = new Set(written);
    expect(Object.keys(en).filter((key) => !used.has(key) && !MADE_AT_RUN_TIME.test(key))).toEqual([]);
  });

  test("every alert rule of the API has a name and a sentence", () => {
    const rules: string[] = schemas.RuleKind.enum;
    const wanted = rules.flatMap((rule) => [`alert.rule.${rule}`, `alert.detail.${rule}`]);
    expect(wanted.filter((key) => !(key in en))).toEqual([]);
    expect(rules).toContain("disconnected");
  });

  test("every failure code of the API has a cause and a remedy", () => {
    const codes: string[] = schemas.Code.enum;
    const wanted = codes.flatMap((code) => [`code.${code}.cause`, `code.${code}.remedy`]);
    expect(wanted.filter((key) => !(key in en))).toEqual([]);
    expect(codes).toContain("tls_name");
  });

  test("every reason, step and size of an environment has its words", () => {
    const wanted = (schema: string, family: string): string[] =>
      schemas[schema].enum.map((it: string) => `${family}.${it}`);
    const keys = [
      ...wanted("EnvironmentReason", "env_reason"),
      ...wanted("EnvironmentStep", "env_step"),
      ...wanted("EnvironmentState", "env_state"),
      ...wanted("SessionState", "session_state"),
      ...wanted("Driver", "driver"),
      ...wanted("Preset", "preset"),
    ];
    expect(keys.filter((key) => !(key in en))).toEqual([]);
    expect(keys).toContain("env_reason.image_pull");
  });

  test("every action of the audit has its words", () => {
    const actions: string[] = schemas.AuditAction.enum;
    expect(actions.filter((it) => !(`audit.action.${it}` in en))).toEqual([]);
  });

  test("French puts a narrow no-break space before : ; ! ? % and writes curved apostrophes", () => {
    const wrong = Object.entries(fr).filter(([, message]) => {
      // What stands in braces is ICU, not French.
      const words = message.replace(/\{(\w+), \w+(, [^{}]*)?[,}]/g, "{").replace(/=\d+|one|other/g, "");
      return / [:;!?%»]|« /.test(words) || /\p{L}'\p{L}/u.test(words) || /\p{L}[;!?](\s|$)/u.test(words);
    });
    expect(wrong).toEqual([]);
  });
});
