/** How the dashboard is built, served while developing, and tested. */
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { budget } from "./budget.ts";

/** Where `npm run dev` finds the API; the built dashboard is served by the API itself. */
const api = process.env.MILLRACE_URL ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [react(), budget()],
  build: {
    target: ["chrome123", "edge123", "firefox121", "safari17.5"],
    // Nothing inline: the page runs under a Content-Security-Policy of 'self' alone.
    assetsInlineLimit: 0,
    // All styles at once, 13 kB: no page waits for its own.
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { "/api": api, "/serve": api, "/mlflow": api, "/livez": api } },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/test-setup.ts"],
    restoreMocks: true,
    unstubGlobals: true,
    testTimeout: 20_000,
  },
});
