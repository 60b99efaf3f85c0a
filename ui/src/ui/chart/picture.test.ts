import { describe, expect, test } from "vitest";
import type { Colours } from "./colours";
import { pictureSvg } from "./picture";
import type { ChartShape } from "./shape";

const colours = new Proxy({}, { get: (_, name) => `c-${String(name)}` }) as Colours;
const shape: ChartShape = {
  from: 0,
  to: 400,
  step_seconds: 100,
  at: [100, 200, 300, 400],
  lines: [
    {
      key: "used",
      label: "used",
      look: "used",
      avg: [10, null, 30, 40],
      min: [9, null, 20, 40],
      max: [12, null, 35, 40],
    },
    { key: "requested", label: "requested", look: "requested", avg: [50, 50, 50, 50] },
  ],
  bands: [{ from: 150, until: 250, label: "disconnected 1 min" }],
  marks: [{ at: 150, tone: "down", label: "Unreachable" }],
  unit: { word: "cores", size: 1, tick: (it) => String(it), value: (it) => `${it} cores` },
  timeTick: (at) => `t${at}`,
};
const words = { title: "paris: <CPU>", range: "yesterday to today", made: "NALABO" };
const svg = () => new DOMParser().parseFromString(pictureSvg(shape, words, colours), "image/svg+xml");

describe("a picture for a report", () => {
  test("has title, range, legend, unit and what was disconnected", () => {
    const texts = [...svg().querySelectorAll("text")].map((it) => it.textContent);
    expect(texts).toEqual(
      expect.arrayContaining(["paris: <CPU>", "yesterday to today", "cores", "disconnected 1 min"]),
    );
    // Once at its right end, once in the legend.
    expect(texts.filter((it) => it === "requested")).toHaveLength(2);
    expect(svg().querySelector("title")?.textContent).toBe("paris: <CPU>, yesterday to today");
  });
  test("draws the two stretches of a line with a gap as two lines, and dashes what is requested", () => {
    const lines = [...svg().querySelectorAll("polyline")];
    const used = lines.filter((it) => it.getAttribute("stroke") === "c-used");
    // One of them is in the legend; the value that stands alone is a point.
    expect(used.map((it) => it.getAttribute("points")?.split(" ").length)).toEqual([1, 2, 2]);
    const requested = lines.filter((it) => it.getAttribute("stroke") === "c-requested");
    expect(requested.every((it) => it.hasAttribute("stroke-dasharray"))).toBe(true);
  });
  test("fills what is used from zero, and marks a change of state on the axis", () => {
    const filled = (fill: string) => svg().querySelectorAll(`polygon[fill=${fill}]`).length;
    // The area of the one stretch that is a line, and the band of least and most of both.
    expect(filled("c-usedSoft")).toBe(3);
    expect(filled("c-down")).toBe(1);
  });
  test("stays inside its frame", () => {
    for (const it of svg().querySelectorAll("polyline, polygon")) {
      for (const point of (it.getAttribute("points") ?? "").split(" ")) {
        const [x = 0, y = 0] = point.split(",").map(Number);
        expect(x).toBeGreaterThanOrEqual(0);
        expect(x).toBeLessThanOrEqual(1_000);
        expect(y).toBeGreaterThanOrEqual(0);
        expect(y).toBeLessThanOrEqual(400);
      }
    }
  });
});
