import { describe, expect, test } from "vitest";
import {
  axisTop,
  isolated,
  labelCut,
  nearest,
  rowsOf,
  spanOf,
  spread,
  stretches,
  timeStep,
  timeTicks,
  valueTicks,
} from "./math";

describe("ticks of values", () => {
  test("begin at zero, are round in the unit of the axis, and reach the highest value", () => {
    expect(valueTicks(168)).toEqual([0, 50, 100, 150, 200]);
    expect(valueTicks(97_400, { size: 1_000 })).toEqual([0, 25_000, 50_000, 75_000, 100_000]);
    expect(valueTicks(672 * 1024 ** 3, { size: 1024 ** 3 }).map((it) => it / 1024 ** 3)).toEqual([
      0, 200, 400, 600, 800,
    ]);
    expect(valueTicks(0.3)).toEqual([0, 0.1, 0.2, 0.3].map((it) => expect.closeTo(it, 9)));
  });
  test("of what is counted are whole", () => {
    expect(valueTicks(1, { whole: true })).toEqual([0, 1]);
    expect(valueTicks(7, { whole: true })).toEqual([0, 2, 4, 6, 8]);
    expect(valueTicks(9, { whole: true })).toEqual([0, 5, 10]);
  });
  test("leave room over the highest line, and an empty axis still has a top", () => {
    const unit = { word: "", size: 1, tick: String, value: String };
    const line = (max: number[]) => ({ key: "used", label: "", look: "used" as const, avg: [1], max });
    expect(axisTop({ lines: [line([100])], unit }).at(-1)).toBeGreaterThan(100);
    expect(axisTop({ lines: [], unit })).toEqual([0, 0.25, 0.5, 0.75, 1]);
    const share = { ...unit, size: 10, most: 1_000 };
    expect(axisTop({ lines: [line([1_000])], unit: share }), "nothing is over 100 %").toEqual([
      0, 250, 500, 750, 1_000,
    ]);
  });
});

describe("ticks of time", () => {
  const at = (text: string) => new Date(text).getTime() / 1_000;
  test("stand on round hours of the reader's clock, also when a day has 25 hours", () => {
    const from = new Date(2026, 9, 24, 20, 17).getTime() / 1_000;
    const ticks = timeTicks(from, from + 36 * 3_600, 6 * 3_600);
    expect(ticks.map((it) => new Date(it * 1_000).getHours() % 6)).toEqual(ticks.map(() => 0));
    expect(ticks.every((it) => it >= from && it <= from + 36 * 3_600)).toBe(true);
  });
  test("are as many as fit", () => {
    expect(timeStep(24 * 3_600, 6)).toBe(6 * 3_600);
    expect(timeStep(15 * 60, 8)).toBe(120);
    expect(timeStep(365 * 86_400, 6)).toBe(90 * 86_400);
    for (const span of [900, 3_600, 86_400, 30 * 86_400, 365 * 86_400]) {
      const from = at("2026-11-22T14:09:20Z");
      expect(timeTicks(from - span, from, timeStep(span, 8)).length).toBeLessThanOrEqual(9);
    }
  });
  test("of a year are first days of months", () => {
    const ticks = timeTicks(at("2026-01-10T00:00:00"), at("2026-12-20T00:00:00"), 60 * 86_400);
    expect(ticks.map((it) => new Date(it * 1_000).getDate())).toEqual(ticks.map(() => 1));
    expect(ticks).toHaveLength(5);
  });
});

describe("gaps", () => {
  test("cut a line into stretches, and a value between two of them stands alone", () => {
    const values = [1, 2, null, 3, null, null, 4, 5];
    expect(stretches(values)).toEqual([
      [0, 1],
      [3, 3],
      [6, 7],
    ]);
    expect(isolated(values)).toEqual([3]);
    expect(stretches([null, null])).toEqual([]);
    expect(isolated([9])).toEqual([0]);
  });
  test("are not counted in what a line says of itself", () => {
    expect(spanOf({ avg: [10, null, 30], min: [8, null, 30], max: [12, null, 41] })).toEqual({
      least: 8,
      most: 41,
      mean: 20,
      last: 30,
      known: 2,
    });
    expect(spanOf({ avg: [null] })).toBeNull();
  });
});

describe("labels", () => {
  test("are moved apart, keep their order, and stay in their room", () => {
    expect(spread([10, 12, 90], 14, 0, 100)).toEqual([10, 24, 90]);
    expect(spread([98, 99, 97], 14, 0, 100)).toEqual([86, 100, 72]);
    expect(spread([], 14, 0, 100)).toEqual([]);
  });
  test("of nodes are cut where they begin alike", () => {
    expect(labelCut("amsterdam-worker-01")).toBe("…am-worker-01");
    expect(labelCut("requested")).toBe("requested");
  });
});

describe("a step", () => {
  test("is found by the nearest moment", () => {
    expect(nearest([0, 10, 20], 14)).toBe(1);
    expect(nearest([0, 10, 20], 16)).toBe(2);
    expect(nearest([0, 10, 20], 99)).toBe(2);
    expect(nearest([], 5)).toBeNull();
  });
  test("of a long table is one of few, the newest first", () => {
    expect(rowsOf(5, 10)).toEqual([4, 3, 2, 1, 0]);
    expect(rowsOf(100, 10)).toHaveLength(10);
    expect(rowsOf(101, 10)[0]).toBe(100);
  });
});
