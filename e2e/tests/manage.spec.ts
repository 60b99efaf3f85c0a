import type { Page } from "@playwright/test";
import { expect, headLine, test } from "../support/journey";
import { authority, endpoint, token } from "../support/lab";
import { testPassed } from "../support/places";

test.setTimeout(120_000);
test.beforeEach(async ({ api }) => void (await api.fleet(["paris"])));

/** Chooses one thing from the menu of a row. */
async function choose(page: Page, name: string, item: string) {
  await page.getByRole("button", { name: `Actions for ${name}` }).click();
  await page.getByRole("menuitem", { name: item }).click();
}
const rowOf = (page: Page, name: string) => page.getByRole("row", { name: new RegExp(`^${name}`) });

test("what people say of an infrastructure is edited in place, and seen by the others at once", async ({
  page,
  context,
}) => {
  const other = await context.newPage();
  await other.goto("/admin/infrastructures");
  await page.goto("/admin/infrastructures");
  await choose(page, "paris", "Edit…");
  const dialog = page.getByRole("dialog", { name: "Edit paris" });
  await dialog.getByLabel("Name").fill("");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByRole("alert")).toBeVisible();
  await dialog.getByLabel("Name").fill("Paris 12e");
  await dialog.getByLabel("Environment").selectOption("Staging");
  await dialog.getByLabel("Region").fill("rue de Bercy");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Paris 12e was saved.")).toBeVisible();
  for (const it of [page, other]) await expect(rowOf(it, "Paris 12e")).toContainText(/Staging.*rue de Bercy/);
});

test("the default cannot be deleted while there are others", async ({ page, api }) => {
  await api.connectSilent("spare");
  await page.goto("/admin/infrastructures");
  await expect(rowOf(page, "paris")).toContainText("Default infrastructure");
  await choose(page, "paris", "Delete…");
  const dialog = page.getByRole("dialog", { name: "Delete paris?" });
  await expect(dialog.getByText("It is the default infrastructure")).toBeVisible();
  await expect(dialog.getByText("Choose another default first.")).toBeVisible();
  await expect(dialog.getByRole("button", { name: "Delete infrastructure" })).toHaveCount(0);
});

test("a cordoned infrastructure takes nothing new until it is uncordoned", async ({ page }) => {
  await page.goto("/admin/infrastructures");
  await page.getByRole("link", { name: "paris", exact: true }).click();
  await page.getByRole("button", { name: "Cordon" }).click();
  await expect(headLine(page)).toContainText("Cordoned");
  await expect(page.getByText("No, it is cordoned")).toBeVisible();
  await page.getByRole("button", { name: "Uncordon" }).click();
  await expect(page.getByText("No, it is cordoned")).toHaveCount(0);
  await expect(headLine(page)).not.toContainText("Cordoned");
});

test("a disabled infrastructure is not contacted, and is checked as soon as it is enabled", async ({
  page,
}) => {
  await page.goto("/admin/infrastructures");
  await choose(page, "paris", "Disable");
  await expect(rowOf(page, "paris")).toContainText("Disabled");
  await choose(page, "paris", "Enable");
  await expect(rowOf(page, "paris")).toContainText(/Healthy|Metrics are old/, { timeout: 60_000 });
});

test("a credential is replaced only by one that passed its test", async ({ page }) => {
  await page.goto("/admin/infrastructures");
  await page.getByRole("link", { name: "paris", exact: true }).click();
  await page.getByRole("button", { name: "Replace credential…" }).click();
  const dialog = page.getByRole("dialog", { name: "Replace the credential of paris" });
  await dialog.getByRole("button", { name: "Address and token" }).click();
  await dialog.getByLabel("Address of the API server").fill(endpoint("paris"));
  await dialog.getByLabel("Token").fill("not-a-token");
  await dialog.getByLabel("Certificate authority (PEM)").fill(authority("paris"));
  await dialog.getByRole("button", { name: "Test it" }).click();
  await expect(dialog.getByText(/Stopped at/)).toBeVisible({ timeout: 30_000 });
  await expect(dialog.getByText(/does not accept the credential/)).toBeVisible();
  await expect(dialog.getByRole("button", { name: "Replace credential" })).toHaveAttribute(
    "aria-disabled",
    "true",
  );

  await dialog.getByRole("button", { name: "Use another" }).click();
  await dialog.getByLabel("Address of the API server").fill(endpoint("paris"));
  await dialog.getByLabel("Token").fill(token("paris"));
  await dialog.getByLabel("Certificate authority (PEM)").fill(authority("paris"));
  await dialog.getByRole("button", { name: "Test it" }).click();
  await expect(testPassed(page)).toBeVisible({ timeout: 30_000 });
  await dialog.getByRole("button", { name: "Replace credential" }).click();
  await expect(page.getByText("The credential of paris was replaced; the next check uses it.")).toBeVisible();
  await expect(page.getByText(/^system:serviceaccount:/)).toBeVisible();
  await expect(page.getByText("Client certificate", { exact: true })).toHaveCount(0);
});

test("a test of what is connected runs on its page, from a link or with a key", async ({ page }) => {
  await page.goto("/admin/infrastructures");
  await choose(page, "paris", "Test");
  await expect(testPassed(page)).toBeVisible({ timeout: 30_000 });
  await page.getByRole("button", { name: "Close" }).click();
  await expect(testPassed(page)).toHaveCount(0);
  await page.keyboard.press("t");
  await expect(testPassed(page)).toBeVisible({ timeout: 30_000 });
});

test("deleting says what it reaches, asks for the name, and is written to the audit", async ({
  page,
  api,
}) => {
  await api.connectSilent("spare");
  await page.goto("/admin/infrastructures");
  await choose(page, "spare", "Delete…");
  const dialog = page.getByRole("dialog", { name: "Delete spare?" });
  await expect(
    dialog.getByText(/No environment lives on it.*the cluster itself stays as it is/),
  ).toBeVisible();
  const remove = dialog.getByRole("button", { name: "Delete infrastructure" });
  await expect(remove).toHaveAttribute("aria-disabled", "true");
  await dialog.getByLabel("Type spare to confirm").fill("Spare");
  await expect(remove).toHaveAttribute("aria-disabled", "true");
  await dialog.getByLabel("Type spare to confirm").fill("spare");
  await remove.click();
  await expect(page.getByText("spare was deleted.")).toBeVisible();
  await expect(rowOf(page, "spare")).toHaveCount(0);
  await expect(rowOf(page, "paris")).toHaveCount(1);

  await page.getByRole("navigation", { name: "Main" }).getByText("Audit").click();
  const newest = page.getByRole("row").nth(1);
  await expect(newest).toContainText("Infrastructure deleted");
  await expect(newest).toContainText("spare");
  await expect(newest).toContainText("ana@example.org");
  await expect(page.getByRole("row").nth(2)).toContainText("Infrastructure connected");
});
