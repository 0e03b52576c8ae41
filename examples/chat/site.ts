/** The page: plain files, its script bundled in memory when the server starts. */
import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

interface Asset {
  readonly type: string;
  readonly body: string | Uint8Array;
}

// No inline script, no inline style, no eval, nothing from elsewhere.
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const headers = {
  "content-security-policy": contentSecurityPolicy,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-cache",
};

/** Makes the page ready; the function it resolves with answers requests for it. */
export async function loadSite(): Promise<(request: IncomingMessage, response: ServerResponse) => void> {
  const [html, logo, bundle] = await Promise.all([
    readFile(new URL("./page/index.html", import.meta.url)),
    readFile(new URL("./page/logo.svg", import.meta.url)),
    bundlePage(),
  ]);
  const assets = new Map<string, Asset>([
    ["/", { type: "text/html; charset=utf-8", body: html }],
    ["/logo.svg", { type: "image/svg+xml", body: logo }],
    ...bundle,
  ]);
  return (request, response) => {
    const asset = assets.get((request.url ?? "/").replace(/\?.*/s, ""));
    if (!asset) {
      response.writeHead(404, { "content-type": "text/plain; charset=utf-8" }).end("not found\n");
    } else {
      response.writeHead(200, { ...headers, "content-type": asset.type }).end(asset.body);
    }
  };
}

async function bundlePage(): Promise<[string, Asset][]> {
  const { outputFiles } = await build({
    entryPoints: {
      app: fileURLToPath(new URL("./page/app.ts", import.meta.url)),
      style: fileURLToPath(new URL("./page/style.css", import.meta.url)),
    },
    outdir: "/",
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    minify: true,
    // Bowline's own source: nothing has to be built first. In an application of yours, leave this out.
    conditions: ["bowline-source"],
  });
  return outputFiles.map(({ path, contents }) => {
    const isScript = path.endsWith(".js");
    const type = isScript ? "text/javascript; charset=utf-8" : "text/css; charset=utf-8";
    return [isScript ? "/app.js" : "/style.css", { type, body: contents }];
  });
}
