import { cleanup } from "@testing-library/react";
import { afterEach, describe, expect, test } from "vitest";
import { renderIn } from "../test/language";
import { Gauge } from "./Gauge";
import type { Usage } from "./usage";

afterEach(cleanup);

/** What a gauge shows: its level, and where each part lies. */
function drawn(usage: Usage | null) {
  const { container } = renderIn("en", <Gauge usage={usage} />);
  const gauge = container.querySelector<HTMLElement>("[role=img]");
  const part = (name: string) => gauge?.querySelector<HTMLElement>(`[data-part=${name}]`)?.style;
  return {
    says: gauge?.getAttribute("aria-label"),
    level: gauge?.dataset.level,
    used: part("used")?.width,
    requested: part("requested")?.left,
    over: part("over")?.width,
  };
}

describe("a gauge", () => {
  test("calm: the fill ends at five sixths of the used share", () => {
    expect(drawn({ used: 60, requested: 90, allocatable: 100 })).toEqual({
      says: "60% of allocatable used, 90% requested",
      level: "calm",
      used: "50%",
      requested: "75%",
      over: undefined,
    });
  });
  test("is named tight at 80 and full at 90", () => {
    expect(drawn({ used: 79.4, requested: null, allocatable: 100 }).level).toBe("calm");
    expect(drawn({ used: 80, requested: null, allocatable: 100 }).level).toBe("tight");
    expect(drawn({ used: 90, requested: null, allocatable: 100 }).level).toBe("full");
  });
  test("overcommitted: what lies beyond a hundred percent is drawn, not clipped", () => {
    expect(drawn({ used: 62, requested: 118, allocatable: 100 })).toMatchObject({
      over: "15%",
      requested: "98.333%",
    });
  });
  test("far too much stays inside its box", () => {
    expect(drawn({ used: 245, requested: null, allocatable: 100 })).toMatchObject({
      used: "83.333%",
      over: "16.667%",
    });
  });
  test("without metrics only the mark of what is requested is left", () => {
    expect(drawn({ used: null, requested: 44, allocatable: 100 })).toMatchObject({
      says: "use not measured, 44% of allocatable requested",
      used: undefined,
      requested: "36.667%",
    });
  });
  test("without figures it says so", () => {
    expect(drawn(null)).toMatchObject({ says: "No figures", used: undefined, requested: undefined });
    expect(drawn({ used: 1, requested: 1, allocatable: 0 }).says).toBe("No figures");
  });
});
