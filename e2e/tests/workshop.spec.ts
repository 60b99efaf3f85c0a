import type { Browser, Page } from "@playwright/test";
import { expect, listen, test } from "../support/journey";
import { hasLyon } from "../support/lab";
import { expectGoodLooks } from "../support/looks";

/** A vCluster that is made on a machine that does much else. */
const START_MS = 240_000;
const PHONE = { width: 390, height: 844 };

/** Another person's browser. */
async function visitor(browser: Browser, baseURL: string | undefined, more: object = {}) {
  const context = await browser.newContext({ baseURL: baseURL ?? "", locale: "en-GB", ...more });
  const page = await context.newPage();
  return { page, said: listen(page), leave: () => context.close() };
}

async function enter(page: Page, code: string, name: string) {
  await page.goto(`/join/${code}`);
  await page.getByLabel("Your name").fill(name);
  await page.getByRole("button", { name: "Enter", exact: true }).click();
  await expect(page.getByText(/^Seat \d+$/)).toBeVisible();
}

const screen = (page: Page) => page.locator(".xterm-rows");
/** Presses "Run" at the block that shows `command`. */
async function run(page: Page, command: string) {
  await page
    .getByText(command, { exact: true })
    .locator("xpath=ancestor::div[.//button][1]")
    .getByRole("button", { name: "Run" })
    .click();
}

const INSTRUCTIONS = `# Side by side

Hello {{participant}}.

\`\`\`sh
kubectl create namespace of-{{seat}}
\`\`\`

\`\`\`sh
kubectl get namespaces --no-headers | sort | tr '\\n' ';'
\`\`\`
`;

test.beforeEach(async ({ api }) => {
  test.skip(!hasLyon, "needs a real node, which the lab starts as root only");
  test.setTimeout(600_000);
  await api.fleet([]);
  await api.connect("lyon", { narrow: true, hosts_environments: true });
  await api.fleet(["lyon"]);
});

for (const driver of ["vcluster", "namespace"] as const) {
  test(`two people of one session work side by side, each in a ${driver} of their own`, async ({
    api,
    browser,
    baseURL,
  }) => {
    const session = await api.sessionOpen({
      title: `Side by side, ${driver}`,
      driver,
      instructions: { en: INSTRUCTIONS },
    });
    const ana = await visitor(browser, baseURL);
    const bo = await visitor(browser, baseURL, { viewport: PHONE, hasTouch: true });

    await ana.page.goto(`/join/${session.code}`);
    await expect(ana.page.getByRole("heading", { level: 1 })).toHaveText(`Side by side, ${driver}`);
    await expectGoodLooks(ana.page, "the way in");
    await enter(ana.page, session.code, "Ana");
    await enter(bo.page, session.code, "Bo");

    // Somebody who is not quick enough sees no steps: that is no fault.
    for (const { page } of [ana, bo]) {
      await expect(page.getByRole("timer")).toBeVisible({ timeout: START_MS });
    }
    await expect(ana.page.getByText("Hello Ana.")).toBeVisible();
    await expect(ana.page.getByText("Connected", { exact: true })).toBeVisible({ timeout: 60_000 });
    await expectGoodLooks(ana.page, "a participant at work");

    const list = "kubectl get namespaces --no-headers | sort | tr '\\n' ';'";
    if (driver === "vcluster") {
      await run(ana.page, "kubectl create namespace of-1");
      await expect(screen(ana.page)).toContainText(/namespace\/of-1.created/);
      await run(ana.page, list);
      await expect(screen(ana.page)).toContainText(/of-1\s+Active/);
      await run(bo.page, list);
      await expect(screen(bo.page), "on a phone the terminal comes forward").toContainText(
        /default\s+Active/,
      );
      await expect(screen(bo.page), "what Ana made is hers alone").not.toContainText("of-1");
    } else {
      await run(ana.page, "kubectl create namespace of-1");
      await expect(screen(ana.page), "a namespace is all that one has").toContainText(/forbidden/i);
      await run(bo.page, list);
      await expect(screen(bo.page)).toContainText(/forbidden/i);
    }

    await test.step("help is asked for, and the trainer sees it", async () => {
      await bo.page.getByRole("button", { name: "Help" }).click();
      await bo.page.getByLabel(/^What are you stuck on/).fill("the pod stays Pending");
      await bo.page.getByRole("button", { name: "Tell the trainer" }).click();
      await expect(bo.page.getByText(/^Your trainer was told at \d\d:\d\d/)).toBeVisible();
      await bo.page.getByRole("dialog").getByRole("button", { name: "Close" }).last().click();
      expect((await api.sessionFind(session.id)).counts.help).toBe(1);
    });

    await test.step("the kubeconfig is a file with a token of its own", async () => {
      await ana.page.getByRole("button", { name: "kubeconfig" }).click();
      const download = ana.page.waitForEvent("download");
      await ana.page.getByRole("button", { name: "Download the kubeconfig" }).click();
      const file = await download;
      expect(file.suggestedFilename()).toBe("nalabo-seat-1.yaml");
      const text = await (await file.createReadStream()).toArray();
      expect(Buffer.concat(text).toString()).toMatch(/token: "?nlbk_[\w-]{43}/);
      await ana.page.keyboard.press("Escape");
    });

    await test.step("the terminal is left and entered by keyboard", async () => {
      await ana.page.keyboard.press("F6");
      await expect(ana.page.locator(".xterm-helper-textarea")).toBeFocused();
      await ana.page.keyboard.press("F6");
      await expect(ana.page.getByRole("region", { name: "Instructions" })).toBeFocused();
    });

    await test.step("with the key the same seat is there on another device", async () => {
      const key = (await ana.page.getByText(/^Key to come back: /).textContent())?.split(": ")[1] ?? "";
      const tablet = await visitor(browser, baseURL);
      await tablet.page.goto(`/join/${session.code}`);
      await tablet.page.getByRole("button", { name: /come back with its key/ }).click();
      await tablet.page.getByLabel("Your key").fill(key.toLowerCase());
      await tablet.page.getByRole("button", { name: "Enter", exact: true }).click();
      await expect(tablet.page.getByText("Seat 1", { exact: true })).toBeVisible();
      await expect(tablet.page.getByText("Hello Ana.")).toBeVisible();
      await tablet.leave();
    });

    await test.step("the session ends for everybody, and the page says what remains", async () => {
      await api.sessionEnd(session.id);
      for (const { page } of [ana, bo]) {
        await expect(page.getByRole("heading", { name: "The session is over." })).toBeVisible();
        await expect(page.getByRole("timer")).toHaveCount(0);
      }
      await expectGoodLooks(ana.page, "a participant after the end");
    });

    expect([...ana.said, ...bo.said], "errors in the participants' browsers").toEqual([]);
    await ana.leave();
    await bo.leave();
  });
}

test("a code that is nobody's, and a name that somebody has, are told in plain words", async ({
  api,
  browser,
  baseURL,
}) => {
  const session = await api.sessionOpen({
    title: "Words",
    driver: "namespace",
    instructions: { en: "Read this." },
  });
  const ana = await visitor(browser, baseURL);
  await ana.page.goto("/join");
  await ana.page.getByLabel("Session code").fill("abc");
  await ana.page.getByRole("button", { name: "Go on" }).click();
  await expect(ana.page.getByText(/^A code has ten letters and digits/)).toBeVisible();
  await ana.page.getByLabel("Session code").fill("22222-22222");
  await ana.page.getByRole("button", { name: "Go on" }).click();
  await expect(ana.page.getByRole("alert")).toContainText("There is no session with this code.");
  await enter(ana.page, session.code, "Ana");

  const other = await visitor(browser, baseURL);
  await other.page.goto(`/join/${session.code}`);
  await other.page.getByLabel("Your name").fill("Ana");
  await other.page.getByRole("button", { name: "Enter", exact: true }).click();
  await expect(other.page.getByRole("alert")).toContainText("If it is you, come back with your key.");
  await expectGoodLooks(other.page, "a name that is taken");
  await api.sessionEnd(session.id);
  await ana.leave();
  await other.leave();
});
