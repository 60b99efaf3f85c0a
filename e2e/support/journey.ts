/**
 * What every journey stands on: a NALABO with an owner, a browser that is signed in, and a console
 * that stays quiet.
 *
 * Promises: a message of the browser that is an error, such as one about the content security
 * policy, fails the test that saw it.
 */
import { test as base, expect, type Page } from "@playwright/test";
import { type Api, ownerSetUp } from "./api";
import { type Server, serverStart } from "./server";

export { expect };

interface PerWorker {
  server: Server;
  api: Api;
}

export const test = base.extend<{ quiet: undefined }, PerWorker>({
  server: [
    async ({}, use) => {
      const server = await serverStart();
      await use(server);
      await server.stop();
    },
    { scope: "worker", timeout: 90_000 },
  ],
  api: [
    async ({ server }, use) => {
      await use(await ownerSetUp(server.url, server.setupLink));
    },
    { scope: "worker" },
  ],
  // Depends on `api`, so that the owner is there before anything is opened.
  baseURL: async ({ server, api: _ }, use) => use(server.url),
  storageState: async ({ api }, use) => use(signedIn(api.cookie)),
  quiet: [
    async ({ page }, use) => {
      const said = listen(page);
      await use(undefined);
      expect(said, "errors in the browser's console").toEqual([]);
    },
    { auto: true },
  ],
});

/** Collects what the browser complains about on `page`. */
export function listen(page: Page): string[] {
  const said: string[] = [];
  page.on("pageerror", (error) => said.push(String(error)));
  // A refusal is an answer: the console shows it in words, and the browser notes it as well.
  const isAnswer = /Failed to load resource: .* status of 4\d\d|ApiProblem: there is no such infrastructure/;
  page.on("console", (message) => {
    if (message.type() !== "error" || isAnswer.test(message.text())) return;
    said.push(`${message.text()} (${message.location().url})`);
  });
  return said;
}

/** A browser that holds this cookie. */
export function signedIn(cookie: string) {
  const [name = "", value = ""] = cookie.split("=");
  return {
    cookies: [
      {
        name,
        value,
        domain: "127.0.0.1",
        path: "/",
        expires: -1,
        httpOnly: true,
        secure: true,
        sameSite: "Strict" as const,
      },
    ],
    origins: [],
  };
}
export const SIGNED_OUT = { cookies: [], origins: [] };

/** The heading of the page and what stands beside it: for an infrastructure its state and why. */
export const headLine = (page: Page) => page.getByRole("heading", { level: 1 }).locator("..");
