import { describe, expect, test } from "vitest";
import { historyAsk } from "../../api/queries";
import type { History } from "../../api/types";
import { inLanguage } from "../../test/language";
import { beatsJoin } from "../../ui/HeartbeatStrip";
import { beatsOf, outagesOf } from "./beats";
import { historySearchParse, windowOf, zoomOf } from "./ranges";
import { shapeOf } from "./shapeOf";

const GIB = 1024 ** 3;
const at = [0, 300, 600].map((it) => 1_800_000_000 + it);
const moment = (index: number) => new Date((at[index] ?? 0) * 1_000).toISOString();
const flat = (name: string, avg: (number | null)[]) => ({ name, avg, min: avg, max: avg });
const memory: History = {
  metric: "memory",
  unit: "bytes",
  from: moment(0),
  to: moment(2),
  step_seconds: 300,
  level: "five_minutes",
  at,
  lines: [
    {
      name: "used",
      avg: [300 * GIB, null, 310 * GIB],
      min: [290 * GIB, null, 310 * GIB],
      max: [320 * GIB, null, 310 * GIB],
    },
    flat("requested", [400 * GIB, 400 * GIB, 400 * GIB]),
    flat("allocatable", [600 * GIB, 600 * GIB, 600 * GIB]),
    flat("infrastructures", [3, 3, 3]),
  ],
  bands: [{ from: moment(1), until: null, state: "unreachable", reason: "timeout" }],
  source: "metrics_server",
};

describe("a history as a chart", () => {
  const { t, format } = inLanguage("en");
  const shape = shapeOf(memory, { t, format });
  test("shows used with its band, requested, allocatable and 90 % of it, and no counts among bytes", () => {
    expect(shape.lines.map((it) => [it.key, it.look, it.min !== undefined])).toEqual([
      ["used", "used", true],
      ["requested", "requested", false],
      ["allocatable", "allocatable", false],
      ["threshold", "threshold", false],
    ]);
    expect(shape.lines[3]?.avg[0]).toBe(540 * GIB);
  });
  test("has one unit for its axis, in the reader's language", () => {
    expect([shape.unit.word, shape.unit.tick(300 * GIB)]).toEqual(["GiB", "300"]);
    const french = inLanguage("fr");
    expect(shapeOf(memory, french).unit.word).toBe("Gio");
  });
  test("keeps its gap, and says what it was and how long it lasts", () => {
    expect(shape.lines[0]?.avg[1]).toBeNull();
    expect(shape.bands).toEqual([{ from: at[1], until: at[2], label: "disconnected 5 min" }]);
  });
  test("leaves out a line of which nothing is known", () => {
    const lines = [flat("used", [null, null, null]), ...memory.lines.slice(1)];
    expect(shapeOf({ ...memory, lines }, { t, format }).lines.map((it) => it.key)).not.toContain("used");
  });
  test("marks the changes of state that lie in its time", () => {
    const change = (since: string) => ({
      state: "degraded" as const,
      since,
      reason: null,
      detail: null,
      until: null,
    });
    const marks = shapeOf(memory, {
      t,
      format,
      changes: [change(moment(1)), change("2020-01-01T00:00:00Z")],
    }).marks;
    expect(marks).toEqual([{ at: at[1], tone: "warn", label: "Degraded" }]);
  });
});

describe("the time in an address", () => {
  test("is a range that is known, or a window whose end comes after its beginning", () => {
    expect(historySearchParse({ range: "6h", from: 5, until: 9 })).toEqual({
      range: "6h",
      from: 5,
      until: 9,
    });
    expect(historySearchParse({ range: "3h", from: 9, until: 5 })).toEqual({
      range: undefined,
      from: undefined,
      until: undefined,
    });
    expect(windowOf({})).toEqual({ seconds: 86_400, live: false });
    expect(windowOf({ range: "live" })).toEqual({ seconds: 900, live: true });
    expect(windowOf({ range: "live", from: 5, until: 900 })).toEqual({ from: 5, until: 900 });
  });
  test("is asked for with a look only where somebody looks live", () => {
    expect(historyAsk("cpu", { seconds: 900, live: true })).toMatchObject({ metric: "cpu", look: true });
    expect(historyAsk("cpu", { seconds: 3_600, live: false })).not.toHaveProperty("look");
    expect(historyAsk("cpu", { from: 0, until: 60 })).toEqual({
      metric: "cpu",
      from: "1970-01-01T00:00:00.000Z",
      to: "1970-01-01T00:01:00.000Z",
    });
  });
  test("is never zoomed to nothing", () => {
    expect(zoomOf(1_000, 1_010)).toEqual({ from: 945, until: 1_065 });
    expect(zoomOf(1_000.4, 5_000.2)).toEqual({ from: 1_000, until: 5_001 });
  });
});

describe("the trace of a day", () => {
  const span = (
    from: number,
    until: number | null,
    state: "healthy" | "unreachable" | "degraded" | "disabled",
  ) => ({
    from: new Date(from).toISOString(),
    until: until === null ? null : new Date(until).toISOString(),
    state,
  });
  const spans = [span(0, 400, "healthy"), span(400, 450, "unreachable"), span(450, 1_000, "healthy")];
  test("shows the worst of each slot, and no check where there was none", () => {
    expect(beatsOf(spans, 0, 1_000, 10)).toEqual([
      "ok",
      "ok",
      "ok",
      "ok",
      "down",
      "ok",
      "ok",
      "ok",
      "ok",
      "ok",
    ]);
    expect(beatsOf([span(500, null, "disabled")], 0, 1_000, 4)).toEqual(["none", "none", "off", "off"]);
  });
  test("keeps an outage when slots are joined", () => {
    expect(beatsJoin(beatsOf(spans, 0, 1_000, 10), 5)).toEqual(["ok", "ok", "down", "ok", "ok"]);
    expect(beatsJoin(["ok"], 5)).toEqual(["ok"]);
  });
  test("counts outages that follow each other as one", () => {
    const down = [
      span(100, 200, "unreachable"),
      span(200, 300, "unreachable"),
      span(500, null, "unreachable"),
    ];
    expect(outagesOf(down, 1_000)).toEqual([
      { from_ms: 100, until_ms: 300 },
      { from_ms: 500, until_ms: 1_000 },
    ]);
  });
});
