import type { Page } from "@playwright/test";
import { expect, headLine, test } from "../support/journey";
import { breakable, fault, hasLyon } from "../support/lab";
import { expectGoodLooks } from "../support/looks";
import { receiverStart } from "../support/receiver";

test.afterEach(() => fault(breakable, "none"));

/** A lab under load may lack figures, which is no fault of the road that is broken here. */
const WELL = /Healthy|Metrics are old/;

/** Marks the page, so that a reload would show. */
const mark = (page: Page) => page.evaluate(() => document.body.setAttribute("data-marked", ""));
const isMarked = (page: Page) => page.evaluate(() => document.body.hasAttribute("data-marked"));

test("the default is the first one, until another is made it", async ({ page, api }) => {
  test.skip(!hasLyon, "needs two clusters, and the lab starts its second one as root only");
  test.setTimeout(180_000);
  await api.fleet(["paris", breakable]);
  await page.goto("/admin/infrastructures");
  const stars = page.getByRole("row").filter({ hasText: "Default infrastructure" });
  await expect(stars).toHaveText([/^paris/]);
  await page.getByRole("button", { name: `Actions for ${breakable}` }).click();
  await page.getByRole("menuitem", { name: "Make default" }).click();
  await expect(page.getByText(`${breakable} is the default now.`)).toBeVisible();
  await expect(stars).toHaveText([new RegExp(`^${breakable}`)]);
});

test("a cluster that is cut off is said to be unreachable without a reload, and healthy again when it is back", async ({
  page,
  api,
  context,
}) => {
  test.setTimeout(240_000);
  await api.fleet(hasLyon ? ["paris", breakable] : [breakable]);
  await page.goto("/admin/infrastructures");
  const overview = await context.newPage();
  await overview.goto("/admin");

  const row = page.getByRole("row", { name: new RegExp(`^${breakable}`) });
  await expect(row).toContainText(WELL, { timeout: 60_000 });
  await expect(row.getByRole("img", { name: /of allocatable/ })).toHaveCount(3);
  const version = await row.getByRole("cell").nth(2).textContent();
  await mark(page);
  await mark(overview);

  fault(breakable, "black-hole");
  await expect(row).toContainText("Unreachable", { timeout: 60_000 });
  await expect(row).toContainText(/No answer in time since \d\d:\d\d/);
  await expect(row, "the last figures stay, dimmed").toHaveAttribute("data-old", "true");
  await expect(row.getByRole("cell").nth(2)).toHaveText(version ?? "");
  const problem = overview.getByRole("listitem").filter({ hasText: breakable });
  await expect(problem.first()).toContainText("Unreachable");
  await expect(problem.first()).toContainText(/No answer in time since \d\d:\d\d/);
  await expect(problem.first()).toContainText(/last success \d\d:\d\d/);
  if (hasLyon) await expect(page.getByRole("row", { name: /^paris/ })).toContainText(WELL);

  await expectGoodLooks(page, "a list with a lost cluster");
  await expectGoodLooks(overview, "an overview with a lost cluster");

  await row.getByRole("link", { name: breakable }).click();
  await expect(headLine(page)).toContainText("Unreachable");
  await expect(page.getByText(/last known figures, as of/).first()).toBeVisible();
  await expectGoodLooks(page, "the page of a lost cluster");

  fault(breakable, "none");
  // One success is no recovery: two are asked for, 30 s apart.
  await expect(headLine(page)).toContainText(WELL, { timeout: 120_000 });
  await expect(problem.filter({ hasText: "Unreachable" })).toHaveCount(0);
  expect(await isMarked(overview), "the overview was not reloaded").toBe(true);
  expect(await isMarked(page), "the list was not reloaded").toBe(true);
  await expect(page.getByRole("listitem").filter({ hasText: "Unreachable" })).toContainText(/for \d/);
});

test("whoever is told of alerts hears of a lost cluster once, and when it is back", async ({ page, api }) => {
  test.setTimeout(300_000);
  await api.fleet([breakable]);
  const receiver = await receiverStart();
  await page.goto("/admin/alerts");
  await expect(page.getByText("Nobody is told of anything yet")).toBeVisible();
  await expectGoodLooks(page, "alerts, with nothing open and no channel");

  await page.getByRole("button", { name: "Add", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("journey");
  await dialog.getByLabel("Address").fill(receiver.url);
  await dialog.getByLabel("Signing key").fill(receiver.secret);
  await expectGoodLooks(page, "a channel being added");
  await dialog.getByRole("button", { name: "Save" }).click();
  await page.getByRole("button", { name: "Send a test over journey" }).click();
  await expect(page.getByText("journey took the test")).toBeVisible();
  expect(receiver.messages.map((it) => it.signed)).toEqual([true]);

  fault(breakable, "black-hole");
  const cause = page.getByRole("article").filter({ hasText: `Disconnected: ${breakable}` });
  await expect(cause).toBeVisible({ timeout: 90_000 });
  await expect(cause).toContainText("nobody has it");
  await expect(page.getByRole("link", { name: /^Alerts/ }).first()).toContainText(/alerts? nobody has taken/);
  await expect.poll(() => receiver.messages.length, { timeout: 60_000 }).toBe(2);
  await expectGoodLooks(page, "an open alert");

  await cause.getByRole("button", { name: "Acknowledge" }).click();
  await cause.getByLabel("Note for the others").fill("the road is being mended");
  await expectGoodLooks(page, "an alert being taken");
  await cause.getByRole("button", { name: "Acknowledge" }).last().click();
  await expect(cause.getByRole("button", { name: "Give back" })).toBeVisible();
  await expect(cause).not.toContainText("nobody has it");

  fault(breakable, "none");
  await expect(cause).toHaveCount(0, { timeout: 120_000 });
  await expect(page.getByRole("row").filter({ hasText: "Disconnected" }).first()).toContainText(breakable);
  await expect.poll(() => receiver.messages.length, { timeout: 60_000 }).toBe(3);
  expect(receiver.messages.every((it) => it.signed)).toBe(true);
  await page.getByRole("button", { name: "What journey was told" }).click();
  await expect(page.getByRole("dialog").getByRole("row")).toHaveCount(4);
  await expectGoodLooks(page, "the log of a channel");
  receiver.stop();
});
