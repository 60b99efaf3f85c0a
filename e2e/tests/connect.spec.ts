import type { Page } from "@playwright/test";
import { expect, headLine, test } from "../support/journey";
import { authority, endpoint, kubeconfig, onPort, token } from "../support/lab";
import { testPassed, withExec } from "../support/places";

/** A lab under load may lack figures at the first check; the next one comes 30 s later. */
const HEALTHY = { timeout: 45_000 };
const WELL = /Healthy|Metrics are old/;

test.beforeEach(async ({ api }) => void (await api.fleet([])));

/** Opens the wizard, pastes, and has it read. */
async function paste(page: Page, text: string) {
  await page.goto("/admin/infrastructures/new");
  await page.getByRole("textbox", { name: "Kubeconfig" }).fill(text);
  await page.getByRole("button", { name: "Read it" }).click();
}

/** Waits for the test to pass, and goes on. */
async function passAndContinue(page: Page) {
  await expect(testPassed(page)).toBeVisible({ timeout: 30_000 });
  await page.getByRole("button", { name: "Continue" }).click();
}

test("a pasted kubeconfig is tested in sight, described, saved, and then watched", async ({ page }) => {
  test.setTimeout(120_000);
  await page.goto("/admin");
  await page.getByRole("link", { name: "Connect an infrastructure" }).click();
  await page.getByRole("textbox", { name: "Kubeconfig" }).fill(kubeconfig("paris"));
  await page.getByRole("button", { name: "Read it" }).click();

  const run = page.getByRole("region", { name: "Test of paris" });
  await expect(testPassed(page)).toBeVisible({ timeout: 30_000 });
  for (const stage of [
    "Read",
    "Resolve",
    "TCP",
    "TLS",
    "Version",
    "Identity",
    "Rights",
    "Metrics",
    "Storage",
  ])
    await expect(run.getByRole("listitem").filter({ hasText: stage }).first()).toContainText(/\d ms/);
  await page.getByRole("button", { name: "Continue" }).click();

  await page.getByLabel("Name").fill("Salle Paris");
  await page.getByLabel("Environment", { exact: true }).selectOption("Production");
  await page.getByLabel("Region").fill("Paris");
  await page.getByLabel("Labels").fill("team=cloud");
  await page.getByLabel("Create a narrow service account").uncheck();
  await page.getByLabel("Make it the default").check();
  await page.getByRole("button", { name: "Save" }).click();

  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Salle Paris");
  await expect(headLine(page)).toContainText(WELL, HEALTHY);
  await expect(page.getByRole("definition").filter({ hasText: /\d+ of \d+ nodes ready/ })).toBeVisible({
    timeout: 30_000,
  });
  await expect(page.getByText("Client certificate", { exact: true })).toBeVisible();

  await page.getByRole("navigation", { name: "Main" }).getByText("Infrastructures").click();
  const row = page.getByRole("row", { name: /Salle Paris/ });
  await expect(row).toContainText(WELL);
  await expect(row).toContainText("Default infrastructure");
  await expect(row).toContainText(/1\.\d+\.\d+/);
  await expect(row.getByRole("img", { name: /of allocatable/ })).toHaveCount(3);

  await page.getByRole("navigation", { name: "Main" }).getByText("Overview").click();
  await expect(page.getByText("1 of 1 counted")).toBeVisible();
});

test("what may do too much makes a narrow account, and only its token is kept", async ({ page, api }) => {
  await paste(page, kubeconfig("paris"));
  await passAndContinue(page);
  await expect(page.getByLabel("Create a narrow service account")).toBeChecked();
  await page.getByRole("button", { name: "Save" }).click();

  await expect(page.getByRole("heading", { level: 1 })).toHaveText("paris");
  await expect(page.getByText(/^system:serviceaccount:/)).toBeVisible();
  await expect(page.getByText(/renewed by NALABO$/)).toBeVisible();
  const [kept] = await api.list();
  expect(kept).toMatchObject({ source: { credential: { kind: "token", renewed: true } } });
});

test("an address and a token connect as well", async ({ page }) => {
  await page.goto("/admin/infrastructures/new");
  await page.getByRole("button", { name: "Address and token" }).click();
  await page.getByLabel("Address of the API server").fill(endpoint("paris"));
  await page.getByLabel("Token").fill(token("paris"));
  await page.getByLabel("Certificate authority (PEM)").fill(authority("paris"));
  await page.getByRole("button", { name: "Test it" }).click();
  await passAndContinue(page);
  await page.getByLabel("Name").fill("by-token");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("by-token");
  await expect(headLine(page)).toContainText(WELL, HEALTHY);
});

test("a context that logs in with a command is refused with the way out, the others can be used", async ({
  page,
}) => {
  await paste(page, withExec(kubeconfig("paris")));
  await expect(page.getByText("2 contexts found, 1 can be used.")).toBeVisible();
  await expect(page.getByLabel("production-eks cannot be used")).toBeDisabled();
  await expect(page.getByText(/logs in with a local command .* cannot run on the server/)).toBeVisible();
  await expect(page.getByText(/Make a service account token/)).toBeVisible();
  await expect(page.getByText(/create token/).first()).toBeVisible();

  await page.getByLabel("Test paris").check();
  await page.getByRole("button", { name: "Test" }).click();
  await expect(testPassed(page)).toBeVisible({ timeout: 30_000 });
});

test("what cannot be read says so beside the field, and keeps nothing", async ({ page }) => {
  await paste(page, "this is not a kubeconfig");
  await expect(page.getByText("The text cannot be read as a kubeconfig.").first()).toBeVisible();
  await expect(page.getByText("Paste a whole kubeconfig, as kubectl writes it.").first()).toBeVisible();
});

test("a cluster that fails its test says where and why, and can be saved disabled", async ({ page }) => {
  // Nothing listens on that port of the cluster's address.
  await paste(page, onPort("paris", 8443));
  await expect(page.getByText("Stopped at TCP")).toBeVisible({ timeout: 30_000 });
  await expect(page.getByText(/refuses connections: nothing listens on that port/)).toBeVisible();
  await expect(page.getByText(/Compare the port with the one kubectl uses/)).toBeVisible();
  const goOn = page.getByRole("button", { name: "Continue" });
  await expect(goOn).toHaveAttribute("aria-disabled", "true");

  await page.getByLabel("Save anyway, disabled").check();
  await goOn.click();
  await page.getByLabel("Name").fill("not-yet");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("not-yet");
  await expect(headLine(page)).toContainText("Disabled");
  await expect(page.getByText("No, it is disabled")).toBeVisible();
});

test("a cluster that is connected already is not connected twice", async ({ page, api }) => {
  await api.fleet(["paris"]);
  await paste(page, kubeconfig("paris"));
  await expect(page.getByText(/the same cluster as paris/)).toBeVisible({ timeout: 30_000 });
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByLabel("Name").fill("paris again");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("This cluster is connected already, as paris")).toBeVisible();
  await page.getByRole("link", { name: "Open paris" }).click();
  await page.getByRole("button", { name: "Leave" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("paris");
});

test("leaving the wizard asks only when something was typed", async ({ page }) => {
  await page.goto("/admin/infrastructures");
  await page.getByRole("link", { name: "Add infrastructure" }).first().click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Add");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Infrastructures");

  await page.goto("/admin/infrastructures/new");
  await page.getByRole("textbox", { name: "Kubeconfig" }).fill("apiVersion: v1");
  await page.keyboard.press("Escape");
  const dialog = page.getByRole("dialog", { name: "Leave without saving?" });
  await dialog.getByRole("button", { name: "Stay" }).click();
  await expect(page.getByRole("textbox", { name: "Kubeconfig" })).toHaveValue("apiVersion: v1");
  await page.keyboard.press("Escape");
  await dialog.getByRole("button", { name: "Leave" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Infrastructures");
});
