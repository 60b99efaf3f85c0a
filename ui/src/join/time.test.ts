import { describe, expect, test } from "vitest";
import en from "./en.json";
import { textOf } from "./text";
import { countdownWords, extensionEnd, lengthWords, momentWords, urgencyKey, urgencyOf } from "./time";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe("the countdown", () => {
  test.each([
    [3 * 24 * HOUR + 1, "3 days", "3 jours"],
    [30 * HOUR, "30 h 00 min", "30 h 00 min"],
    [3 * HOUR + 20 * MINUTE + 59_000, "3 h 20 min", "3 h 20 min"],
    [HOUR, "1 h 00 min", "1 h 00 min"],
    [HOUR - 1, "59 min", "59 min"],
    [5 * MINUTE, "5 min", "5 min"],
    [5 * MINUTE - 1, "4 min 59 s", "4 min 59 s"],
    [61_000, "1 min 01 s", "1 min 01 s"],
    [59_999, "59 s", "59 s"],
    [0, "time is up", "temps écoulé"],
    [-5_000, "time is up", "temps écoulé"],
  ])("says of %i ms: %s", (left_ms, english, french) => {
    expect(countdownWords(textOf("en"), left_ms)).toBe(english);
    expect(countdownWords(textOf("fr"), left_ms)).toBe(french);
  });

  test("turns amber under 15 minutes and red under 5, with words for what can still be done", () => {
    expect(urgencyOf(15 * MINUTE)).toBe("calm");
    expect(urgencyOf(15 * MINUTE - 1)).toBe("soon");
    expect(urgencyOf(5 * MINUTE)).toBe("soon");
    expect(urgencyOf(5 * MINUTE - 1)).toBe("last");
    expect(urgencyKey("calm", true)).toBeNull();
    expect(en[urgencyKey("soon", true) ?? "page.title"]).toContain("extending");
    expect(en[urgencyKey("soon", false) ?? "page.title"]).not.toContain("extend");
    expect(en[urgencyKey("last", true) ?? "page.title"]).toContain("extend now");
    expect(en[urgencyKey("last", false) ?? "page.title"]).not.toContain("extend");
  });
});

test("an extension never goes past the deadline", () => {
  const extension = { minutes: 30, from: "2026-03-02T12:00:00Z", until: "2026-03-02T14:45:00Z" };
  expect(extensionEnd("2026-03-02T13:00:00Z", extension)).toBe("2026-03-02T13:30:00.000Z");
  expect(extensionEnd("2026-03-02T14:30:00Z", extension)).toBe("2026-03-02T14:45:00.000Z");
});

test("a length is said to the second", () => {
  const t = textOf("en");
  expect(lengthWords(t, 9_900)).toBe("9 s");
  expect(lengthWords(t, 65_000)).toBe("1 min 05 s");
  expect(lengthWords(t, 2 * HOUR + 3 * MINUTE)).toBe("2 h 03 min");
  expect(lengthWords(t, -1)).toBe("0 s");
});

test("a moment says its day when it is not today", () => {
  const now = new Date(2026, 2, 2, 9, 0).getTime();
  expect(momentWords("en", new Date(2026, 2, 2, 14, 2).toISOString(), now)).toBe("14:02");
  expect(momentWords("fr", new Date(2026, 2, 3, 14, 2).toISOString(), now)).toMatch(/^3 mars.* 14:02$/);
  expect(momentWords("en", "never", now)).toBe("—");
});

test("people before one are counted by the rules of the language", () => {
  expect(textOf("en")("waiting.position", { count: 1 })).toBe("1 person is before you.");
  expect(textOf("en")("waiting.position", { count: 0 })).toBe("0 people are before you.");
  expect(textOf("fr")("waiting.position", { count: 0 })).toBe("0 personne est avant vous.");
  expect(textOf("fr")("waiting.position", { count: 2 })).toBe("2 personnes sont avant vous.");
});
