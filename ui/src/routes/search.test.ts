import { describe, expect, test } from "vitest";
import { searchParse } from "./admin.infrastructures.index";

describe("an old link", () => {
  test("opens with the filter it can have, and without what nobody knows", () => {
    expect(searchParse({ q: 7, state: "down", environment: "moon", sort: "-colour" })).toEqual({
      q: "7",
      state: "down",
      environment: undefined,
      sort: undefined,
    });
  });
  test("keeps every key, so that the router does not keep the raw one", () => {
    expect(Object.keys(searchParse({}))).toEqual(["q", "state", "environment", "sort"]);
  });
});
