import { OWNER, signIn } from "../support/api";
import { expect, SIGNED_OUT, signedIn, test } from "../support/journey";

test("the language is chosen once, and stays", async ({ page }) => {
  await page.goto("/admin");
  await page.getByRole("button", { name: `Account of ${OWNER.email}` }).click();
  await page.getByRole("menuitemradio", { name: "Français" }).click();
  await expect(
    page.getByRole("navigation", { name: "Principale" }).getByText("Vue d’ensemble"),
  ).toBeVisible();
  await page.reload();
  await expect(page.locator("html")).toHaveAttribute("lang", "fr");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Vue d’ensemble");
  await page.goto("/admin/account");
  await page.getByRole("button", { name: "English" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Account");
});

test("a browser that speaks French is answered in French", async ({ browser, server }) => {
  const french = await browser.newContext({
    locale: "fr-FR",
    baseURL: server.url,
    storageState: SIGNED_OUT,
  });
  const page = await french.newPage();
  await page.goto("/login");
  await expect(page.getByRole("button", { name: "Se connecter" })).toBeVisible();
  await french.close();
});

test("the theme is chosen once, and stays", async ({ page }) => {
  const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  await page.emulateMedia({ colorScheme: "light" });
  await page.goto("/admin/account");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Account");
  const light = await background();
  await page.getByRole("button", { name: "Dark" }).click();
  await expect.poll(background).not.toBe(light);
  const dark = await background();
  await page.reload();
  await expect.poll(background).toBe(dark);
  await page.getByRole("button", { name: "As the system" }).click();
  await expect.poll(background).toBe(light);
  await page.emulateMedia({ colorScheme: "dark" });
  await expect.poll(background).toBe(dark);
});

test("another sign-in is listed, and ended from here", async ({ page, server, browser }) => {
  const elsewhere = await browser.newContext({
    baseURL: server.url,
    storageState: signedIn(await signIn(server.url)),
    userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0",
  });
  const other = await elsewhere.newPage();
  await other.goto("/admin");
  await expect(other.getByRole("heading", { level: 1 })).toHaveText("Overview");

  await page.goto("/admin/account");
  await expect(page.getByText("this one")).toHaveCount(1);
  const lines = page
    .getByRole("listitem")
    .filter({ has: page.getByRole("button", { name: /^End the sign-in/ }) });
  const before = await lines.count();
  expect(before).toBeGreaterThan(1);
  const current = lines.filter({ hasText: "this one" });
  await expect(current.getByRole("button")).toHaveAttribute("aria-disabled", "true");
  for (let left = before; left > 1; left--) {
    await lines.filter({ hasNotText: "this one" }).first().getByRole("button").click();
    await expect(lines).toHaveCount(left - 1);
  }
  await other.goto("/admin/audit");
  await expect(other.getByRole("heading", { level: 1 })).toHaveText("Sign in");
  await elsewhere.close();
});

test("the password is changed with the present one only", async ({ page }) => {
  await page.goto("/admin/account");
  await page.getByLabel("Present password").fill("a wrong guess");
  await page.getByLabel("New password").fill("wind in the old shutters");
  await page.getByRole("button", { name: "Change password" }).click();
  await expect(page.getByRole("alert").first()).toBeVisible();
  await page.getByLabel("Present password").fill(OWNER.password);
  await page.getByRole("button", { name: "Change password" }).click();
  await expect(page.getByText("Your password was changed. Other sign-ins were ended.")).toBeVisible();

  await page.getByLabel("Present password").fill("wind in the old shutters");
  await page.getByLabel("New password").fill(OWNER.password);
  await page.getByRole("button", { name: "Change password" }).click();
  await expect(page.getByLabel("Present password")).toHaveValue("");
});
