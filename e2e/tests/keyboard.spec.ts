import { expect, test } from "../support/journey";
import { kubeconfig } from "../support/lab";
import { testPassed } from "../support/places";

test("keys lead to the search, to the pages, and list themselves", async ({ page, api }) => {
  test.setTimeout(120_000);
  await api.fleet(["paris"]);
  await page.goto("/admin");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Overview");
  await page.keyboard.type("gi");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Infrastructures");
  await expect(page.getByRole("heading", { level: 1 }), "the new page is read out").toBeFocused();
  await page.keyboard.press("/");
  await expect(page.getByLabel("Filter infrastructures")).toBeFocused();
  // While typing they are letters.
  await page.keyboard.type("g r?");
  await expect(page.getByLabel("Filter infrastructures")).toHaveValue("g r?");
  await page.keyboard.press("Escape");
  await expect(page.getByLabel("Filter infrastructures")).not.toBeFocused();

  await page.keyboard.type("gr");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Resources");
  await page.keyboard.type("ga");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Alerts");
  await page.keyboard.type("gu");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Audit");
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
});

test("single keys can be switched off", async ({ page }) => {
  await page.goto("/admin");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Overview");
  await page.keyboard.press("?");
  await page.getByLabel("Single keys do things").uncheck();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await page.keyboard.type("ga");
  await page.getByRole("navigation", { name: "Main" }).getByText("Resources").click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Resources");
  await page.goBack();
  await expect(page.getByRole("heading", { level: 1 }), "the keys led nowhere").toHaveText("Overview");
});

test("a cluster is connected without a mouse", async ({ page, api }) => {
  await api.fleet([]);
  await page.goto("/admin");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Overview");
  const focused = page.locator(":focus");
  /** Tabs until something of that name has the focus. */
  const tabTo = async (name: RegExp) => {
    for (let steps = 0; steps < 40; steps++) {
      await page.keyboard.press("Tab");
      const said = await focused.evaluate(
        (it) =>
          it.getAttribute("aria-label") ??
          (it as HTMLInputElement).labels?.[0]?.textContent ??
          it.textContent,
      );
      if (said && name.test(said)) return;
    }
    throw new Error(`the Tab key does not reach ${name}`);
  };

  await page.keyboard.press("Tab");
  await expect(focused).toHaveText("Skip to content");
  await page.keyboard.press("Enter");
  await tabTo(/^Connect an infrastructure/);
  await page.keyboard.press("Enter");
  await tabTo(/^Kubeconfig$/);
  await tabTo(/^Kubeconfig/);
  await page.keyboard.insertText(kubeconfig("paris"));
  await tabTo(/^Read it/);
  await page.keyboard.press("Enter");
  await expect(testPassed(page)).toBeVisible({ timeout: 30_000 });
  await tabTo(/^Continue/);
  await page.keyboard.press("Enter");
  await tabTo(/^Name/);
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type("by keyboard");
  await tabTo(/^Save/);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("by keyboard");
});
