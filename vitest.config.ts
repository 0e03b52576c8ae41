import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { findServices } from "./scripts/services.mjs";

// The source itself, not dist: tests need no build.
const conditions = ["bowline-source", "module", "node", "development|production"];
const resolve = { conditions };
const ssr = { resolve: { conditions, externalConditions: conditions } };

const shared = {
  environment: "node",
  pool: "forks",
  retry: 0,
  restoreMocks: true,
  // Where each service was found, as SERVICE_CHROMIUM and so on; unset when it is not installed.
  env: findServices(),
} as const;

/** Puts it in the place of the source. */
function productionClient(source: string): string | undefined {
  if (!/\/client\/(client|index)\.ts$/.test(source)) return undefined;
  return fileURLToPath(new URL("dist/client/production/index.js", import.meta.url));
}

export default defineConfig({
  test: {
    projects: [
      {
        resolve,
        ssr,
        test: {
          ...shared,
          name: "node",
          include: ["test/**/*.test.ts", "examples/**/*.test.ts"],
          exclude: ["test/browser/**", "**/node_modules/**"],
          // One more than Vitest takes of two cores: most files wait for timers and processes, not for the processor.
          maxWorkers: 2,
          // What a test that hangs may cost; none is meant to need it, also on a machine that is busy with others.
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        resolve,
        ssr,
        plugins: [{ name: "production", enforce: "pre", resolveId: productionClient }],
        test: {
          ...shared,
          // The client that the build has made for pages in production, whose texts are other ones.
          name: "production",
          include: ["test/client/{core,first-listener,publish-id,snapshots,stops}.test.ts"],
          maxWorkers: 2,
          testTimeout: 30_000,
        },
      },
      {
        resolve,
        ssr,
        test: {
          ...shared,
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          // Each file starts a real Chromium: after the other tests, and one at a time.
          sequence: { groupOrder: 1 },
          maxWorkers: 1,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
