import { expect, test } from "../support/journey";
import { expectGoodLooks } from "../support/looks";
import { pages, routes, states, visited } from "../support/places";
import { textOf } from "../support/text";

// In French, which runs longer.
test.use({ locale: "fr-FR", contextOptions: { reducedMotion: "reduce" } });
const t = textOf("fr");

test("every route is visited", () => {
  expect(visited).toEqual(routes());
});

test("every page can be read by everybody, on every screen", async ({ page, api }) => {
  test.setTimeout(180_000);
  const [paris] = await api.fleet(["paris"]);
  for (const place of pages) {
    await place.reach(page, t, paris?.id ?? "");
    await expectGoodLooks(page, place.name);
  }
});

test("so can dialogs, menus, the steps of the wizard and what is not there", async ({ page, api }) => {
  test.setTimeout(240_000);
  // Leaving what was pasted behind is meant here.
  page.on("dialog", (asked) => void asked.accept());
  const [paris] = await api.fleet(["paris"]);
  for (const place of states) {
    await place.reach(page, t, paris?.id ?? "");
    await expectGoodLooks(page, place.name);
  }
});

test("so can a NALABO that knows no infrastructure yet", async ({ page, api }) => {
  test.setTimeout(120_000);
  await api.fleet([]);
  for (const place of pages.filter((it) => !it.name.includes("$id") && it.name.startsWith("/admin"))) {
    await place.reach(page, t, "");
    await expectGoodLooks(page, `empty ${place.name}`);
  }
});
