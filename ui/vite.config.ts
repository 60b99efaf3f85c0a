/// <reference types="vitest/config" />
import { tanstackRouter } from "@tanstack/router-plugin/vite";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/** Serves the participant's page where the server does: the built one is not asked here. */
const joinPage: Plugin = {
  name: "nalabo-join-page",
  configureServer: ({ middlewares }) => {
    middlewares.use((request, _, next) => {
      if (/^\/join(\/|\?|$)/.test(request.url ?? "")) request.url = "/join.html";
      next();
    });
  },
};

export default defineConfig({
  plugins: [
    tanstackRouter({
      target: "react",
      autoCodeSplitting: true,
      quoteStyle: "double",
      semicolons: true,
      routeFileIgnorePattern: "\\.test\\.|\\.module\\.",
    }),
    react(),
    joinPage,
  ],
  build: {
    // Inlined assets would need `data:` in more places of the content security policy.
    assetsInlineLimit: 0,
    // Read by scripts/budget-check.mjs.
    manifest: true,
    target: "es2023",
    modulePreload: { polyfill: false },
    // A slow machine is no fault of a plugin.
    rolldownOptions: {
      // The console, and the participant's page, which has nothing of it but its looks.
      input: ["index.html", "join.html"],
      checks: { pluginTimings: false },
    },
  },
  server: { proxy: { "/api": { target: "http://127.0.0.1:8080", ws: true } } },
  test: { environment: "jsdom", include: ["src/**/*.test.{ts,tsx}"], restoreMocks: true },
});
