import { describe, expect, test, vi } from "vitest";
import { isBackground } from "./presence";

describe("a request", () => {
  test("is the person's for ten seconds after a deed, and the page's own afterwards", () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    window.dispatchEvent(new KeyboardEvent("keydown", { key: "g" }));
    expect(isBackground("GET")).toBe(false);
    vi.advanceTimersByTime(10_001);
    expect(isBackground("GET")).toBe(true);
    expect(isBackground("POST"), "a write is always somebody's").toBe(false);
    window.dispatchEvent(new Event("pointerdown"));
    expect(isBackground("GET")).toBe(false);
    vi.useRealTimers();
  });
});
