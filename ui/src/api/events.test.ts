import { QueryClient } from "@tanstack/react-query";
import { expect, test } from "vitest";
import { cacheRefresh, workshopsRefresh } from "./events";

const KEYS = [
  ["auth", "me"],
  ["stats"],
  ["infrastructures", "list", {}],
  ["infrastructures", "one", "paris"],
  ["infrastructures", "one", "lyon"],
];

function refreshed(ids: ReadonlySet<string> | "all") {
  const cache = new QueryClient();
  for (const key of KEYS) cache.setQueryData(key, "before");
  cacheRefresh(cache, ids);
  return KEYS.filter((key) => cache.getQueryState(key)?.isInvalidated).map((key) =>
    key.slice(0, 3).join(" "),
  );
}

test("a change of one infrastructure refreshes it, the lists and the sums, and nobody else's page", () => {
  expect(refreshed(new Set(["paris"]))).toEqual([
    "stats",
    "infrastructures list [object Object]",
    "infrastructures one paris",
  ]);
});

test("after a gap in the stream everything is asked for again", () => {
  expect(refreshed("all")).toHaveLength(KEYS.length);
});

test("a change of an environment refreshes lists and the board of its session, and no other board", () => {
  const cache = new QueryClient();
  const keys = [
    ["workshop-sessions", "list", {}],
    ["workshop-sessions", "board", "mine"],
    ["workshop-sessions", "board", "other"],
    ["environments", "list", {}],
    ["workshops", "list"],
    ["infrastructures", "list", {}],
  ];
  for (const key of keys) cache.setQueryData(key, "before");
  workshopsRefresh(cache, new Set(["mine"]));
  const fresh = keys.filter((key) => !cache.getQueryState(key)?.isInvalidated);
  expect(fresh).toEqual([keys[2], keys[4], keys[5]]);
});
