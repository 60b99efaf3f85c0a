/**
 * Pictures of the real console: `npm run pictures`, beside a lab with both clusters.
 *
 * `NALABO_PICTURES` names a folder: then every place is written there too, light and dark, English
 * and French, on a desktop and on a phone. Without it only docs/images is written.
 */
import { join } from "node:path";
import { expect, test } from "../support/journey";
import { breakable, fault, hasLyon } from "../support/lab";
import { pages, states } from "../support/places";
import { textOf } from "../support/text";

const folder = process.env.NALABO_PICTURES;
const SIZES = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };

test.use({ contextOptions: { reducedMotion: "reduce" } });

test("the overview, for the README", async ({ page, api }) => {
  test.skip(!hasLyon, "needs both clusters of the lab");
  await api.fleet([]);
  await api.connect("paris", { environment: "production", region: "Paris" });
  await api.connect("lyon", { environment: "training", region: "Lyon" });
  const { id } = await api.connectSilent("nantes");
  await page.goto(`/admin/infrastructures/${id}`);
  await page.getByRole("button", { name: "Enable" }).click();
  await page.goto("/admin");
  await expect(page.getByText("1 infrastructure is unreachable.")).toBeVisible({ timeout: 60_000 });
  await expect(page.getByText("Live, figures")).toBeVisible();
  await expect(page.getByText("2 of 3 counted")).toBeVisible();
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.screenshot({ path: join(import.meta.dirname, "../../docs/images/overview.png") });
});

for (const language of ["en", "fr"] as const) {
  test.describe(() => {
    test.use({ locale: language });
    test(`every place, in ${language}`, async ({ page, api }) => {
      test.skip(!folder, "NALABO_PICTURES names no folder");
      test.setTimeout(600_000);
      page.on("dialog", (asked) => void asked.accept());
      const t = textOf(language);
      const [paris] = await api.fleet(["paris"]);
      for (const place of [...pages, ...states]) {
        await place.reach(page, t, paris?.id ?? "");
        const name = place.name.replace(/\W+/g, "-").replace(/^-|-$/g, "") || "start";
        for (const [screen, size] of Object.entries(SIZES)) {
          await page.setViewportSize(size);
          for (const colorScheme of ["light", "dark"] as const) {
            await page.emulateMedia({ colorScheme });
            const file = `${name}-${language}-${screen}-${colorScheme}.png`;
            await page.screenshot({ path: join(folder ?? "", file), fullPage: true });
          }
        }
        await page.setViewportSize(SIZES.desktop);
      }
    });
  });
}

test("a cluster that was cut off", async ({ page, api }) => {
  test.skip(!folder, "NALABO_PICTURES names no folder");
  await api.fleet(hasLyon ? ["paris", breakable] : [breakable]);
  const it = (await api.list()).find(({ name }) => name === breakable);
  await page.goto("/admin");
  fault(breakable, "black-hole");
  try {
    await expect(page.getByText("1 infrastructure is unreachable.")).toBeVisible({ timeout: 60_000 });
    for (const [place, path] of [
      ["overview", "/admin"],
      ["list", "/admin/infrastructures"],
      ["page", `/admin/infrastructures/${it?.id}`],
    ] as const) {
      await page.goto(path);
      await expect(page.getByText(/Unreachable|Injoignable/).first()).toBeVisible();
      for (const [screen, size] of Object.entries(SIZES)) {
        await page.setViewportSize(size);
        for (const colorScheme of ["light", "dark"] as const) {
          await page.emulateMedia({ colorScheme });
          await page.screenshot({
            path: join(folder ?? "", `lost-${place}-${screen}-${colorScheme}.png`),
            fullPage: true,
          });
        }
      }
      await page.setViewportSize(SIZES.desktop);
    }
  } finally {
    fault(breakable, "none");
  }
});
