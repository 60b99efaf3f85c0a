import { describe, expect, test } from "vitest";
import { inLanguage } from "../test/language";

const en = inLanguage("en").format;
const fr = inLanguage("fr").format;
const GIB = 1024 ** 3;
/** Spaces of every width, as one: which width is right belongs to Intl. */
const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, " ");

describe("sizes", () => {
  test("memory is counted in GiB in English and Gio in French", () => {
    expect(en.bytes(477 * GIB)).toBe("477 GiB");
    expect(fr.bytes(477 * GIB)).toBe("477 Gio");
  });
  test("a size changes its unit before it needs four figures", () => {
    expect(en.bytes(1_010 * GIB)).toBe("0.99 TiB");
    expect(plain(fr.bytes(1.5 * GIB))).toBe("1,5 Gio");
  });
  test("CPU is told in cores, one of them in the singular", () => {
    expect(en.cores(1_000)).toBe("1 core");
    expect(en.cores(97_440)).toBe("97.4 cores");
    expect(fr.cores(500)).toBe("0,5 cœur");
    expect(plain(fr.cores(1_672_000))).toBe("1 672 cœurs");
  });
  test("more than a hundred percent is said, not clipped", () => {
    expect(en.percent(1.18)).toBe("118%");
    expect(plain(fr.percent(0.58))).toBe("58 %");
  });
  test("what is unknown is a dash", () => {
    expect([en.bytes(null), en.cores(undefined), en.percent(null), en.milliseconds(null)]).toEqual([
      "—",
      "—",
      "—",
      "—",
    ]);
  });
});

describe("times", () => {
  test("a duration has two units at most", () => {
    const told = [6, 59.4, 60, 420, 16_680, 200_000].map((s) => en.duration(s));
    expect(told).toEqual(["6 s", "59 s", "1 min", "7 min", "4 h 38", "2 d"]);
    expect(fr.duration(200_000)).toBe("2 j");
  });
  test("a clock that runs behind never makes an age negative", () => {
    expect(en.duration(-3)).toBe("0 s");
  });
  test("today is an hour, another day has its date, another year its year", () => {
    const now_ms = new Date(2026, 10, 22, 18, 0).getTime();
    const at = (...parts: [number, number, number, number, number]) => new Date(...parts).toISOString();
    expect(en.moment(at(2026, 10, 22, 14, 2), now_ms)).toBe("14:02");
    expect(plain(en.moment(at(2026, 10, 12, 14, 2), now_ms))).toBe("Nov 12, 14:02");
    expect(plain(en.moment(at(2025, 2, 12, 14, 2), now_ms))).toBe("Mar 12, 2025");
  });
  test("an answer of more than a second is told in seconds", () => {
    expect(en.milliseconds(41)).toBe("41 ms");
    expect(plain(fr.milliseconds(1_912))).toBe("1,9 s");
  });
});
