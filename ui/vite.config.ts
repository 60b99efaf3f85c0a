/// <reference types="vitest/config" />
import { tanstackRouter } from "@tanstack/router-plugin/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

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
  ],
  build: {
    // Inlined assets would need `data:` in more places of the content security policy.
    assetsInlineLimit: 0,
    // Read by scripts/budget-check.mjs.
    manifest: true,
    target: "es2023",
    modulePreload: { polyfill: false },
    // A slow machine is no fault of a plugin.
    rolldownOptions: { checks: { pluginTimings: false } },
  },
  server: { proxy: { "/api": "http://127.0.0.1:8080" } },
  test: { environment: "jsdom", include: ["src/**/*.test.{ts,tsx}"], restoreMocks: true },
});
