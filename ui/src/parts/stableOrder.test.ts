import { describe, expect, test } from "vitest";
import { orderKeep } from "./stableOrder";

const rows = (ids: string) => [...ids].map((id) => ({ id }));
const kept = (shown: string, latest: string) => {
  const { rows: now, waiting } = orderKeep([...shown], rows(latest));
  return `${now.map((it) => it.id).join("")} ${waiting}`;
};

describe("rows on screen", () => {
  test("stay where they are when one moves to the top; one change waits", () => {
    expect(kept("abcd", "dabc")).toBe("abcd 1");
  });
  test("a new one waits, a gone one leaves", () => {
    expect(kept("abc", "nabc")).toBe("abc 1");
    expect(kept("abc", "ac")).toBe("ac 0");
  });
  test("nothing waits when nothing changed", () => {
    expect(kept("abc", "abc")).toBe("abc 0");
  });
});
