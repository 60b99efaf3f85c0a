/**
 * Every place a person can be in: the routes, and the main states within them.
 *
 * Promises: a route of the console that has no visit here fails the journey "every route is
 * visited". Each place is reached from anywhere, in either language, and drawn whole when `reach`
 * ends.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, type Page } from "@playwright/test";
import { kubeconfig, onPort } from "./lab";
import type { Text } from "./text";

export interface Place {
  name: string;
  /** The fleet has one infrastructure, `paris`, of this id. */
  reach: (page: Page, t: Text, id: string) => Promise<void>;
}

const WORKSHOP = "First pods";
const SESSION = "First pods, tomorrow";

/** Where each route leads somebody who is signed in, and the key of its heading, or the heading. */
const VISITS: Record<string, { of?: "workshop" | "session"; heading: string }> = {
  "/": { heading: "tab.overview" },
  "/login": { heading: "login.title" },
  // There is an owner, so it leads to signing in; `sign-in.spec.ts` sees it as it is.
  "/setup": { heading: "login.title" },
  "/admin": { heading: "tab.overview" },
  "/admin/account": { heading: "account.title" },
  "/admin/alerts": { heading: "tab.alerts" },
  "/admin/audit": { heading: "tab.audit" },
  "/admin/environments": { heading: "tab.environments" },
  "/admin/resources": { heading: "tab.resources" },
  "/admin/sessions/$id": { of: "session", heading: SESSION },
  "/admin/sessions/$id/cards": { of: "session", heading: "cards.title" },
  "/admin/sessions/$id/edit": { of: "session", heading: "session.edit_title" },
  "/admin/sessions/new": { of: "workshop", heading: "session.new" },
  "/admin/settings": { heading: "tab.settings" },
  "/admin/workshops": { heading: "tab.workshops" },
  "/admin/workshops/$id": { of: "workshop", heading: WORKSHOP },
  "/admin/workshops/new": { heading: "workshop.new" },
  "/admin/infrastructures": { heading: "tab.infrastructures" },
  "/admin/infrastructures/new": { heading: "wizard.title" },
  "/admin/infrastructures/$id": { heading: "paris" },
};

export const visited = Object.keys(VISITS).sort();

/** The routes that the console has, as its router writes them down. */
export function routes(): string[] {
  const file = join(import.meta.dirname, "../../ui/src/routeTree.gen.ts");
  const to = readFileSync(file, "utf8").match(/\n {2}to:\n([\s\S]*?);/)?.[1] ?? "";
  return [...to.matchAll(/"([^"]+)"/g)].map(([, route = ""]) => route).sort();
}

// Not by its role: under a dialog the page is hidden from whoever listens.
const heading = (page: Page) => page.locator("h1");

/** The word of a connection test that passed, with warnings or without. */
export const testPassed = (page: Page) =>
  page.getByText(/^(All stages passed|Passed, with \d|Toutes les étapes ont réussi|Réussi, avec \d)/);

/** Opens an address, and waits until the page is there and nothing is being fetched for it. */
async function open(page: Page, path: string, title: string) {
  await page.goto(path);
  await expect(heading(page)).toHaveText(title);
  await expect(page.locator("[aria-busy=true]")).toHaveCount(0);
}

/** What the page's own API gives; `body` makes it a POST. */
const ask = <Answer>(page: Page, path: string, body?: object): Promise<Answer> =>
  page.evaluate(
    async ([path, body]) => {
      const headers = { "X-Requested-With": "nalabo", "Content-Type": "application/json" };
      const answer = await fetch(path, body ? { method: "POST", headers, body: JSON.stringify(body) } : {});
      if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
      return answer.json();
    },
    [path, body] as const,
  );

interface List<It> {
  items: ({ id: string } & It)[];
}

/** The workshop, or the session of it that is to come tomorrow; made when nobody has made it yet. */
async function taught(page: Page, t: Text, kind: "workshop" | "session"): Promise<string> {
  await open(page, "/admin/workshops", t("tab.workshops"));
  const workshops = await ask<List<{ title: string }>>(page, "/api/admin/workshops");
  const workshop =
    workshops.items.find((it) => it.title === WORKSHOP) ??
    (await ask<{ id: string }>(page, "/api/admin/workshops", {
      title: WORKSHOP,
      summary: "A pod, and what becomes of it.",
      instructions: { en: "# Pods\n\n```sh\nkubectl get pods\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |" },
      driver: "namespace",
      duration_minutes: 60,
    }));
  if (kind === "workshop") return workshop.id;
  const sessions = await ask<List<{ name: string }>>(page, "/api/admin/workshop-sessions");
  const tomorrow_ms = Date.now() + 24 * 3_600_000;
  const session =
    sessions.items.find((it) => it.name === SESSION) ??
    (await ask<{ id: string }>(page, "/api/admin/workshop-sessions", {
      workshop_id: workshop.id,
      name: SESSION,
      starts_at: new Date(tomorrow_ms).toISOString(),
      ends_at: new Date(tomorrow_ms + 3_600_000).toISOString(),
      seats: 12,
    }));
  return session.id;
}

export const pages: readonly Place[] = Object.entries(VISITS).map(([route, { of, heading }]) => ({
  name: route,
  reach: async (page, t, id) => {
    const of_id = of ? await taught(page, t, of) : id;
    const title = heading.includes(".") ? t(heading, { name: SESSION }) : heading;
    await open(page, route.replace("$id", of_id), title);
  },
}));

async function paste(page: Page, t: Text, text: string) {
  await open(page, "/admin/infrastructures/new", t("wizard.title"));
  await page.getByRole("textbox", { name: t("source.kubeconfig") }).fill(text);
  await page.getByRole("button", { name: t("wizard.read") }).click();
}

const dialog = (doing: string): Place["reach"] => {
  return async (page, _, id) => {
    await open(page, `/admin/infrastructures/${id}?do=${doing}`, "paris");
    await expect(page.getByRole("dialog").getByRole("button").last()).toBeVisible();
  };
};

/** A kubeconfig whose second context logs in with a command of its author's computer. */
export function withExec(text: string): string {
  return text
    .replace("\nusers:\n", "\nusers:\n- name: eks\n  user:\n    exec:\n      command: aws\n")
    .replace(
      "\ncontexts:\n",
      "\ncontexts:\n- name: production-eks\n  context:\n    cluster: paris\n    user: eks\n",
    );
}

export const states: readonly Place[] = [
  {
    name: "wizard, choosing contexts",
    reach: async (page, t) => {
      await paste(page, t, withExec(kubeconfig("paris")));
      await expect(page.getByText(t("code.kubeconfig_exec.cause"))).toBeVisible();
    },
  },
  {
    name: "wizard, what cannot be read",
    reach: async (page, t) => {
      await paste(page, t, "this is not a kubeconfig");
      await expect(page.getByRole("alert").first()).toBeVisible();
    },
  },
  {
    name: "wizard, a failed test",
    reach: async (page, t) => {
      await paste(page, t, onPort("paris", 8443));
      await expect(page.getByText(t("code.refused.remedy"))).toBeVisible({ timeout: 30_000 });
    },
  },
  {
    name: "wizard, address and token",
    reach: async (page, t) => {
      await open(page, "/admin/infrastructures/new", t("wizard.title"));
      await page.getByRole("button", { name: t("source.token") }).click();
      await expect(page.getByLabel(t("source.endpoint"))).toBeVisible();
    },
  },
  {
    name: "wizard, describing",
    reach: async (page, t) => {
      await paste(page, t, kubeconfig("paris"));
      await expect(testPassed(page)).toBeVisible({ timeout: 30_000 });
      await page.locator("button[aria-disabled]").waitFor({ state: "detached" });
      await page.getByRole("button", { name: /^(Continue|Continuer)/ }).click();
      await expect(page.getByLabel(t("field.name"))).toBeVisible();
    },
  },
  {
    name: "infrastructure, its test",
    reach: async (page, _, id) => {
      await open(page, `/admin/infrastructures/${id}?do=test`, "paris");
      await expect(testPassed(page)).toBeVisible({ timeout: 30_000 });
    },
  },
  { name: "infrastructure, editing", reach: dialog("edit") },
  { name: "infrastructure, replacing its credential", reach: dialog("replace") },
  { name: "infrastructure, deleting", reach: dialog("delete") },
  {
    name: "infrastructure, a chart as a table",
    reach: async (page, t, id) => {
      await open(page, `/admin/infrastructures/${id}?range=live`, "paris");
      await page
        .getByRole("button", { name: t("chart.as_table") })
        .first()
        .click();
      await expect(page.getByRole("button", { name: t("chart.as_chart") })).toBeVisible();
    },
  },
  {
    name: "infrastructure, saving a chart",
    reach: async (page, t, id) => {
      await open(page, `/admin/infrastructures/${id}`, "paris");
      await page
        .getByRole("button", { name: t("chart.save") })
        .first()
        .click();
      await expect(page.getByRole("menuitem").last()).toBeVisible();
    },
  },
  {
    name: "resources, in groups",
    reach: (page, t) => open(page, "/admin/resources?group=environment&range=30d", t("tab.resources")),
  },
  {
    name: "list, the menu of a row",
    reach: async (page, t) => {
      await open(page, "/admin/infrastructures", t("tab.infrastructures"));
      await page.getByRole("button", { name: t("action.more_for", { name: "paris" }) }).click();
      await expect(page.getByRole("menuitem").last()).toBeVisible();
    },
  },
  {
    name: "list, nothing matches",
    reach: async (page, t) => {
      await open(page, "/admin/infrastructures?q=nowhere", t("tab.infrastructures"));
      await expect(page.getByText(t("list.none_match"))).toBeVisible();
    },
  },
  {
    name: "account menu",
    reach: async (page, t) => {
      await open(page, "/admin", t("tab.overview"));
      await page.getByRole("button", { name: t("account.menu", { email: "ana@example.org" }) }).click();
      await expect(page.getByRole("menuitem").last()).toBeVisible();
    },
  },
  {
    name: "shortcuts",
    reach: async (page, t) => {
      await open(page, "/admin", t("tab.overview"));
      await page.keyboard.press("?");
      await expect(page.getByRole("dialog", { name: t("shortcut.title") })).toBeVisible();
    },
  },
  { name: "no such page", reach: (page, t) => open(page, "/nowhere", t("not_found.title")) },
  {
    name: "no such infrastructure",
    reach: async (page, t) => {
      await page.goto("/admin/infrastructures/01a204a7-0000-7000-8000-000000000000");
      await expect(
        page.getByText(t("problem.not_found")).or(page.getByText(t("not_found.title"))),
      ).toBeVisible();
    },
  },
];
