import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { availability } from "../../api/queries";
import type { Infrastructure } from "../../api/types";
import { renderIn } from "../../test/language";
import { LastDay } from "./LastDay";

afterEach(cleanup);

test("an outage that lasts has no end yet, and is told from its beginning", () => {
  const cache = new QueryClient({ defaultOptions: { queries: { staleTime: Number.POSITIVE_INFINITY } } });
  const hour = (ago: number) => new Date(Date.now() - ago * 3_600_000).toISOString();
  cache.setQueryData(availability("a").queryKey, {
    day_permille: 958,
    month_permille: null,
    strip: [
      { from: hour(20), until: hour(1), state: "healthy", reason: null },
      { from: hour(1), until: null, state: "unreachable", reason: "timeout" },
    ],
  });
  const it = { id: "a", status: { latency_ms: null } } as unknown as Infrastructure;
  const { container } = renderIn(
    "en",
    <QueryClientProvider client={cache}>
      <LastDay infrastructure={it} />
    </QueryClientProvider>,
  );
  expect(container.textContent).toMatch(/down since .*\(1 h 0\d\)/);
  expect(container.textContent).toContain("95.8%");
  const strip = container.querySelector("[role=img]");
  expect(strip?.getAttribute("aria-label")).toMatch(/^Checks of the last 24 hours: down since/);
  // Four hours before the first check are hollow.
  expect(strip?.querySelector("[data-beat=none]")).not.toBeNull();
  expect(strip?.querySelector("[data-beat=down]")).not.toBeNull();
});
