import { describe, expect, test } from "vitest";
import { searchParse as environmentSearchParse } from "./admin.environments";
import { searchParse } from "./admin.infrastructures.index";
import { searchParse as boardSearchParse } from "./admin.sessions.$id.index";

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
  test("of a board or of environments keeps what is known as well", () => {
    expect(boardSearchParse({ show: "in_use", q: 12, view: "globe" })).toEqual({
      show: "in_use",
      q: "12",
      view: undefined,
    });
    expect(environmentSearchParse({ state: "asleep", session: "s" })).toEqual({
      q: undefined,
      infrastructure: undefined,
      session: "s",
      state: undefined,
    });
  });
});
