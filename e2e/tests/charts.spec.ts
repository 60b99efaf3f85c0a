import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { expect, test } from "../support/journey";

test.setTimeout(180_000);

/** A lab's metrics-server needs its time, and figures are read once a minute, or every 15 s while somebody looks. */
const FIRST_FIGURES_MS = 120_000;
/** Narrow on purpose: what the API may leave out is nullable there as well. */
interface History {
  at: number[];
  lines: { name: string; avg: (number | null)[] }[];
}

const chart = (page: Page, title: string) =>
  page.locator("figure").filter({ has: page.getByRole("heading", { name: title, exact: true }) });
const slider = (page: Page, title: string) => page.getByRole("slider", { name: title, exact: true });

/** Opens the charts of `paris` as they come, and waits until its use was measured. */
async function chartsOpen(page: Page, id: string) {
  await page.goto(`/admin/infrastructures/${id}?range=live`);
  await expect(slider(page, "CPU")).toHaveAttribute("aria-valuetext", /used [\d.]+ cores?/, {
    timeout: FIRST_FIGURES_MS,
  });
}

/** The history of CPU of one infrastructure, not that of its nodes. */
const isCpuHistory = (url: URL) =>
  /\/infrastructures\/[^/]+\/history$/.test(url.pathname) && url.searchParams.get("metric") === "cpu";

test("a chart as a table has the figures of the API", async ({ page, api }) => {
  const [paris] = await api.fleet(["paris"]);
  await chartsOpen(page, paris?.id ?? "");
  // The range ends now and moves on, so one answer is held for both to read.
  let held: History | undefined;
  await page.route(isCpuHistory, async (route) => {
    held ??= (await (await route.fetch()).json()) as History;
    return route.fulfill({ json: held });
  });
  await page.reload();
  await expect(slider(page, "CPU")).toHaveAttribute("aria-valuetext", /used [\d.]+ cores?/);
  await chart(page, "CPU").getByRole("button", { name: "As a table" }).click();

  const rows = chart(page, "CPU").getByRole("row");
  const head = await rows.first().getByRole("columnheader").allTextContents();
  const last = (held?.at.length ?? 0) - 1;
  for (const name of ["used", "requested", "allocatable"]) {
    const line = held?.lines.find((it) => it.name === name);
    const value = line?.avg[last] ?? null;
    const shown = await rows
      .nth(1)
      .getByRole("cell")
      .nth(head.indexOf(name) - 1)
      .textContent();
    expect(shown, name).toBe(value === null ? "not known" : coresWritten(value));
  }
});

/** As the console writes them: three figures that count. */
function coresWritten(millicores: number): string {
  const cores = millicores / 1_000;
  const digits = cores >= 100 ? 0 : cores >= 10 ? 1 : 2;
  const number = new Intl.NumberFormat("en", { maximumFractionDigits: digits }).format(cores);
  return `${number} ${cores === 1 ? "core" : "cores"}`;
}

test("the range stands in the address, and so does a zoom, until the whole range is asked for", async ({
  page,
  api,
}) => {
  const [paris] = await api.fleet(["paris"]);
  await chartsOpen(page, paris?.id ?? "");
  const asked = page.waitForRequest((it) => it.url().includes("/history?metric=cpu"));
  await page.getByRole("button", { name: "6 h", exact: true }).click();
  await expect(page).toHaveURL(/range=6h/);
  const ask = new URL((await asked).url()).searchParams;
  const seconds = (Date.parse(ask.get("to") ?? "") - Date.parse(ask.get("from") ?? "")) / 1_000;
  expect(seconds).toBe(6 * 3_600);
  await expect(page.getByRole("button", { name: "6 h", exact: true })).toHaveAttribute(
    "aria-pressed",
    "true",
  );

  const plot = chart(page, "CPU").locator(".u-over");
  await plot.scrollIntoViewIfNeeded();
  const box = await plot.boundingBox();
  if (!box) throw new Error("the plot has no place on screen");
  await page.mouse.move(box.x + box.width * 0.5, box.y + 40);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.75, box.y + 40, { steps: 5 });
  await page.mouse.up();
  await expect(page).toHaveURL(/from=\d+&until=\d+/);
  const zoom = new URL(page.url()).searchParams;
  const span = Number(zoom.get("until")) - Number(zoom.get("from"));
  expect(span, "a quarter of six hours").toBeGreaterThan(80 * 60);
  expect(span).toBeLessThan(100 * 60);
  await page.reload();
  await page.getByRole("button", { name: "Whole range" }).click();
  await expect(page).not.toHaveURL(/from=/);
  await expect(page).toHaveURL(/range=6h/);
});

test("arrow keys walk through a chart, and the crosshair through all of them", async ({ page, api }) => {
  const [paris] = await api.fleet(["paris"]);
  await chartsOpen(page, paris?.id ?? "");
  await page.getByRole("button", { name: "1 h", exact: true }).click();
  const cpu = slider(page, "CPU");
  await cpu.focus();
  await page.keyboard.press("End");
  const end = Number(await cpu.getAttribute("aria-valuenow"));
  await page.keyboard.press("ArrowLeft");
  await expect(cpu).toHaveAttribute("aria-valuenow", String(end - 1));
  await page.keyboard.press("PageUp");
  await expect(cpu).toHaveAttribute("aria-valuenow", String(end - 13));
  await expect(cpu).toHaveAttribute("aria-valuetext", /\d\d:\d\d.*allocatable/);
  await expect(slider(page, "Memory"), "the others follow").toHaveAttribute(
    "aria-valuenow",
    String(end - 13),
  );
  await page.keyboard.press("Escape");
  await expect(cpu).not.toHaveAttribute("aria-valuenow", String(end - 13));
});

test("a chart is taken away as a picture, a drawing and a table of figures", async ({ page, api }) => {
  const [paris] = await api.fleet(["paris"]);
  await chartsOpen(page, paris?.id ?? "");
  const save = async (item: string) => {
    await chart(page, "CPU").getByRole("button", { name: "Save this chart" }).click();
    const download = page.waitForEvent("download");
    await page.getByRole("menuitem", { name: item }).click();
    const file = await download;
    return { name: file.suggestedFilename(), bytes: readFileSync(await file.path()) };
  };
  const svg = await save("Drawing (SVG)");
  expect(svg.name).toBe("paris-cpu-live.svg");
  expect(svg.bytes.toString()).toContain("paris: CPU");
  const png = await save("Picture (PNG)");
  expect(png.bytes.subarray(1, 4).toString()).toBe("PNG");
  const csv = await save("Figures (CSV)");
  expect(csv.name).toMatch(/\.csv$/);
  const [head = "", first = ""] = csv.bytes.toString().split(/\r?\n/);
  expect(head).toMatch(/used/);
  expect(first.split(",")).toHaveLength(head.split(",").length);
});

test("every table is taken away as it is filtered", async ({ page, api }) => {
  await api.fleet(["paris"]);
  await api.connectSilent("annex");
  await page.goto("/admin/infrastructures?q=ann");
  await expect(page.getByRole("rowheader")).toHaveText([/^annex/]);
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "CSV" }).click();
  const text = readFileSync(await (await download).path()).toString();
  expect(text).toContain("annex");
  expect(text).not.toContain("paris");
});

test("nodes are listed with what they use, and sorted as asked", async ({ page, api }) => {
  const [paris] = await api.fleet(["paris"]);
  await page.goto(`/admin/infrastructures/${paris?.id}`);
  const nodes = page.getByRole("table").filter({ has: page.getByRole("columnheader", { name: "Node" }) });
  await expect(nodes.getByRole("rowheader")).not.toHaveCount(0);
  await nodes.getByRole("button", { name: "Node" }).click();
  await expect(nodes.getByRole("columnheader", { name: "Node" })).toHaveAttribute("aria-sort", "ascending");
  await page.getByLabel(/^Problems only/).check();
  await expect(
    page.getByText("No node is in trouble.").or(nodes.getByRole("rowheader").first()),
  ).toBeVisible();
});

test("the fleet's charts, its groups and its fullest nodes stand on the resources page", async ({
  page,
  api,
}) => {
  await api.fleet(["paris"]);
  await page.goto("/admin/resources");
  await expect(page.getByRole("heading", { name: "Fullest nodes" })).toBeVisible();
  await page.getByLabel("Group by").selectOption("Environment");
  await expect(page).toHaveURL(/group=environment/);
  await expect(page.getByRole("row", { name: /^Training 1 of 1 counted/ })).toBeVisible();
  await page.getByLabel("Whose charts").selectOption("paris");
  await expect(page).toHaveURL(/of=/);
  await expect(page.getByRole("link", { name: "Open paris" })).toBeVisible();
});
