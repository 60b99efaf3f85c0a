import { OWNER } from "../support/api";
import { expect, SIGNED_OUT, test } from "../support/journey";
import { expectGoodLooks } from "../support/looks";
import { serverStart } from "../support/server";

test.use({ storageState: SIGNED_OUT });

test("the first owner is made with the one-time link, which works once", async ({ page }) => {
  test.setTimeout(120_000);
  const fresh = await serverStart();
  try {
    await page.goto(fresh.url);
    await expect(page.getByText("This page needs the one-time link.")).toBeVisible();

    await page.goto(fresh.setupLink);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("First owner");
    expect(page.url(), "the secret is taken out of the address").not.toContain("token");
    await expectGoodLooks(page, "/setup");
    await page.getByLabel("Name").fill(OWNER.name);
    await page.getByLabel("E-mail").fill(OWNER.email);
    await page.getByLabel("Password").fill("short");
    await page.getByRole("button", { name: "Create the account" }).click();
    await expect(page.getByRole("alert")).toHaveText("The password is too short");
    await page.getByLabel("Password").fill(OWNER.password);
    await page.getByRole("button", { name: "Create the account" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Overview");

    await page.context().clearCookies();
    await page.goto(fresh.setupLink);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Sign in");
  } finally {
    await fresh.stop();
  }
});

test("who is not signed in is asked to, and comes back to the page that was meant", async ({ page }) => {
  await page.goto("/admin/resources");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Sign in");
  await page.getByLabel("E-mail").fill(OWNER.email);
  await page.getByLabel("Password").fill("not the password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByText("E-mail or password is wrong")).toBeVisible();
  await expect(page.getByLabel("Password")).toBeFocused();
  await expect(page.getByLabel("Password")).toHaveValue("");

  await page.getByLabel("Password").fill(OWNER.password);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Resources");
  expect(page.url()).toContain("/admin/resources");
});

test("signing out ends the session, not only the page", async ({ page }) => {
  await page.goto("/login");
  await page.getByLabel("E-mail").fill(OWNER.email);
  await page.getByLabel("Password").fill(OWNER.password);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Overview");
  const kept = await page.context().cookies();

  await page.getByRole("button", { name: `Account of ${OWNER.email}` }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Sign in");

  await page.context().addCookies(kept);
  await page.goto("/admin");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Sign in");
});
