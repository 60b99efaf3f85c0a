import { defineConfig } from "@playwright/test";
import journeys from "./playwright.config";

// Not part of the tests: writes the pictures of the README, and every place for somebody to look at.
export default defineConfig({ ...journeys, testDir: "pictures", workers: 1, timeout: 300_000 });
