import { expect, test } from "../support/journey";

test.setTimeout(120_000);
test.beforeEach(async ({ api, page }) => {
  await api.fleet(["paris"]);
  await api.connectSilent("annex");
  await page.goto("/admin/infrastructures");
});

test("filter and order live in the address, and survive a reload and the way back", async ({ page }) => {
  const names = page.getByRole("rowheader");
  await expect(names).toHaveText([/^paris/, /^annex/]);

  await page.getByRole("button", { name: "Name" }).click();
  await expect(names).toHaveText([/^annex/, /^paris/]);
  await page.getByRole("button", { name: "Name" }).click();
  await expect(names).toHaveText([/^paris/, /^annex/]);
  await expect(page).toHaveURL(/sort=-name/);
  await expect(page.getByRole("columnheader", { name: "Name" })).toHaveAttribute("aria-sort", "descending");

  await page.getByRole("button", { name: /^Paused/ }).click();
  await expect(names).toHaveText([/^annex/]);
  await page.getByLabel("Environment").selectOption("Environment: Lab");
  await page.getByLabel("Filter infrastructures").fill("ann");
  await expect(page).toHaveURL(/q=ann/);
  await page.reload();
  await expect(names).toHaveText([/^annex/]);
  await expect(page.getByLabel("Filter infrastructures")).toHaveValue("ann");
  await expect(page.getByRole("button", { name: /^Paused/ })).toHaveAttribute("aria-pressed", "true");
  await expect(page.getByLabel("Environment")).toHaveValue("lab");
  await expect(page.getByText("1 infrastructure matches of 2.")).toBeVisible();

  await page.getByRole("link", { name: "annex" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("annex");
  await page.goBack();
  await expect(page.getByLabel("Filter infrastructures")).toHaveValue("ann");
});

test("a filter that nothing matches says so and can be cleared", async ({ page }) => {
  await page.getByLabel("Filter infrastructures").fill("nowhere");
  await expect(page.getByText("No infrastructure matches this filter")).toBeVisible();
  await page.getByRole("button", { name: "Clear the filter" }).click();
  await expect(page.getByRole("rowheader")).toHaveCount(2);
  await expect(page).not.toHaveURL(/q=/);
});

test("resources add up what is counted, and name what is missing", async ({ page }) => {
  await page.goto("/admin/resources");
  const row = page.getByRole("row", { name: /paris/ });
  await expect(row).toContainText(/cores/);
  await expect(row).toContainText(/GiB/);
  await expect(page.getByText(/There is room|Little room is left/)).toBeVisible();
});

test("an old link with words that nobody knows any more still opens, with what it can have", async ({
  page,
}) => {
  await page.goto("/admin/infrastructures?sort=-colour&state=wilted&environment=moon&q=ann");
  await expect(page.getByRole("rowheader")).toHaveText([/^annex/]);
  await expect(page.getByLabel("Filter infrastructures")).toHaveValue("ann");
  await expect(page.getByRole("button", { name: /^All/ })).toHaveAttribute("aria-pressed", "true");
});
