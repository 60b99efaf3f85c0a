/** The two catalogues say the same things, and say all that the server may ask of them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ApiProblem } from "../api/problem";
import en from "./en.json";
import fr from "./fr.json";
import { problemWords, reasonWords } from "./portal";
import { textOf } from "./text";

type Words = string | { one: string; other: string };
const catalogues: Record<"en" | "fr", Record<string, Words>> = { en, fr };
const formsOf = (words: Words | undefined) =>
  words === undefined ? [] : typeof words === "string" ? [words] : [words.one, words.other];
const slotsOf = (words: Words | undefined) =>
  [...new Set(formsOf(words).flatMap((it) => it.match(/\{\w+\}/g) ?? []))].sort().join();

/** The names of an enum of the core, as they are sent. */
function sent(name: string): string[] {
  const file = join(import.meta.dirname, "../../../crates/core/src/environment.rs");
  const body = new RegExp(`pub enum ${name} \\{([^}]*)\\}`).exec(readFileSync(file, "utf8"))?.[1] ?? "";
  return [...body.matchAll(/^ {4}(\w+),$/gm)].map((it) =>
    (it[1] ?? "").replace(/(?<=.)([A-Z])/g, "_$1").toLowerCase(),
  );
}

/** Everything this page is written in, tests left out. */
function sources(folder = import.meta.dirname): string {
  return readdirSync(folder, { withFileTypes: true })
    .map((it) => {
      if (it.isDirectory()) return sources(join(folder, it.name));
      const isSource = /\.tsx?$/.test(it.name) && !it.name.includes(".test.");
      return isSource ? readFileSync(join(folder, it.name), "utf8") : "";
    })
    .join("\n");
}

describe("catalogues", () => {
  test("French and English have the same keys, with the same slots", () => {
    expect(Object.keys(fr)).toEqual(Object.keys(en));
    const uneven = Object.keys(en).filter(
      (key) => slotsOf(catalogues.en[key]) !== slotsOf(catalogues.fr[key]),
    );
    expect(uneven).toEqual([]);
  });

  test("every text is used", () => {
    const code = sources();
    const madeAtRunTime = /^(problem|reason|step|terminal\.over|time)\.|^waiting\.step_/;
    const idle = Object.keys(en).filter((key) => !madeAtRunTime.test(key) && !code.includes(`"${key}"`));
    expect(idle).toEqual([]);
  });

  test("French puts a narrow no-break space before : ; ! ? and writes curved apostrophes", () => {
    const wrong = Object.values(catalogues.fr)
      .flatMap(formsOf)
      .filter((it) => / [:;!?%»]|« |\p{L}'\p{L}|[\p{L}}][;!?](\s|$)|\p{L}:(\s|$)/u.test(it));
    expect(wrong).toEqual([]);
  });

  test.each(["en", "fr"] as const)("every reason of the core has its words and a way on (%s)", (language) => {
    const reasons = sent("EnvironmentReason");
    expect(reasons).toContain("too_many_failures");
    expect(reasons.length).toBeGreaterThanOrEqual(18);
    const wordless = reasons.filter((it) => reasonWords(textOf(language), it) === null);
    expect(wordless).toEqual([]);
  });

  test("every step of the core has its words", () => {
    const steps = sent("EnvironmentStep");
    expect(steps).toEqual(["queue", "guards", "objects", "starting", "api", "tools", "done"]);
    expect(steps.filter((it) => !(`step.${it}` in en && `step.${it}.now` in en))).toEqual([]);
  });
});

describe("refusals", () => {
  const codes: [string, number][] = [
    ["session_unknown", 404],
    ["not_started", 409],
    ["session_over", 409],
    ["session_full", 409],
    ["name_taken", 409],
    ["name_needed", 422],
    ["key_needed", 422],
    ["key_wrong", 422],
    ["environment_not_ready", 409],
    ["extension_too_early", 409],
    ["kube_address_missing", 409],
    ["insecure_origin", 403],
    ["too_many_attempts", 429],
    ["no_answer", 0],
    ["unexpected_answer", 0],
    ["internal", 500],
    ["unauthenticated", 401],
    ["not_found", 404],
  ];
  test.each(codes)("%s is said in words of its own, with what to do next", (code, status) => {
    const t = textOf("en");
    const words = problemWords(t, new ApiProblem(status, { code, retry_after_seconds: 90 }));
    expect(words.what).toBe((en as Record<string, Words>)[`problem.${code}`]);
    expect(words.next).not.toMatch(/[{}]/);
    if (code === "too_many_attempts") expect(words.next).toContain("1 min 30 s");
  });

  test("those codes are the server's", () => {
    const files = ["problem.rs", "portal.rs", "cookies.rs", "request.rs"];
    const api = files.map((it) =>
      readFileSync(join(import.meta.dirname, "../../../crates/api/src", it), "utf8"),
    );
    const foreign = codes.filter(([code, status]) => status > 0 && !api.join("\n").includes(`"${code}"`));
    expect(foreign).toEqual([]);
  });

  test.each(["not_offered", "deadline", "session_end", "too_late"])(
    "extension_%s is told as one thing",
    (why) => {
      const words = problemWords(textOf("en"), new ApiProblem(409, { code: `extension_${why}` }));
      expect(words.what).toBe(en["problem.extension_refused"]);
    },
  );

  test("a code that this page does not know is told by its status, never by the operators' words", () => {
    const t = textOf("en");
    const of = (status: number) =>
      problemWords(
        t,
        new ApiProblem(status, { code: "brand_new", title: "etcd is full", request_id: "r-1" }),
      );
    expect(of(409).what).toBe(en["problem.refused"]);
    expect(of(422).what).toBe(en["problem.invalid"]);
    expect(of(503)).toEqual({
      what: en["problem.internal"],
      next: en["problem.internal.next"],
      request: "r-1",
    });
    expect(of(409).request).toBeNull();
  });

  test("a reason that this page does not know is left out", () => {
    expect(reasonWords(textOf("fr"), "sunspots")).toBeNull();
    expect(reasonWords(textOf("fr"), null)).toBeNull();
  });
});
