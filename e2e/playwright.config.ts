import { existsSync } from "node:fs";
import { defineConfig } from "@playwright/test";
import { hasLyon } from "./support/lab";

// The system's own, which scripts/install.sh sees to: Playwright downloads none.
const browser =
  ["chromium", "chromium-browser", "google-chrome"].map((it) => `/usr/bin/${it}`).find(existsSync) ??
  "/usr/bin/chromium";

export default defineConfig({
  testDir: "tests",
  // Files that look at paris run beside those that break or fill lyon; where lyon is missing they may not.
  workers: hasLyon ? 2 : 1,
  projects: [
    { name: "lyon", testMatch: /(cut-off|workshop)\.spec\.ts/, workers: 1 },
    { name: "paris", testIgnore: /(cut-off|workshop)\.spec\.ts/ },
  ],
  timeout: 60_000,
  expect: { timeout: 15_000 },
  forbidOnly: true,
  reporter: [["list"]],
  use: {
    locale: "en-GB",
    timezoneId: "Europe/Paris",
    viewport: { width: 1440, height: 900 },
    trace: "retain-on-failure",
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath: browser,
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
});
