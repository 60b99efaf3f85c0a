/**
 * What must hold of every page: nobody is shut out, and nothing is cut off.
 *
 * Promises: axe by WCAG 2.2 AA, light on a desktop and dark on a phone; no sideways scrolling from 320 px on.
 */
import AxeBuilder from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const PHONE = { width: 390, height: 844 };
const DESKTOP = { width: 1440, height: 900 };
/** The narrowest that WCAG asks for, a phone, a desktop. */
const SIZES = [{ width: 320, height: 640 }, PHONE, DESKTOP];

/** What is wrong with `place` as it is on screen now, in words; nothing when all is well. */
export async function faultsOf(page: Page, place: string): Promise<string[]> {
  const faults: string[] = [];
  for (const size of SIZES) {
    await page.setViewportSize(size);
    const wide = await page.evaluate(widest);
    if (wide) faults.push(`${place}: at ${size.width} px ${wide} stands out`);
  }
  await page.emulateMedia({ colorScheme: "light" });
  faults.push(...(await axe(page)).map((it) => `${place}: light: ${it}`));
  await page.setViewportSize(PHONE);
  await page.emulateMedia({ colorScheme: "dark" });
  faults.push(...(await axe(page)).map((it) => `${place}: dark, on a phone: ${it}`));
  await page.setViewportSize(DESKTOP);
  return faults;
}

async function axe(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page })
    .withTags(TAGS)
    // Base UI's guards take the focus only to hand it on, and axe cannot know.
    .exclude("[data-base-ui-focus-guard]")
    .setLegacyMode()
    .analyze();
  return violations.flatMap((it) =>
    it.nodes.map((node) => `${it.id}: ${node.target.join(" ")} (${node.any[0]?.message ?? it.help})`),
  );
}

/** The element that makes the window scroll sideways, if it does. Runs in the page. */
function widest(): string | null {
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= room) return null;
  let found: Element = document.documentElement;
  for (const it of Array.from(document.querySelectorAll("body *")))
    if (it.getBoundingClientRect().right > room + 0.5) found = it;
  return `${found.tagName.toLowerCase()}.${found.getAttribute("class") ?? ""} "${found.textContent?.slice(0, 40)}"`;
}

/** Looks at the place that is open, and fails the test at its end when something is wrong. */
export async function expectGoodLooks(page: Page, place: string): Promise<void> {
  expect.soft(await faultsOf(page, place)).toEqual([]);
}
