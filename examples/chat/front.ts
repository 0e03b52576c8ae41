/**
 * What a visitor reaches: the page, and a relay through which every connection passes to a Bowline server behind it, so
 * that a visitor can cut the line for real.
 */
import { createServer as createHttpServer, request as httpRequest } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Lines, type Address } from "./line.ts";
import { loadSite } from "./site.ts";

/** Names the server that a new connection goes to; null while there is none. */
export type Target = () => Address | null;

/** Listens on `PORT`, or 3000. Ends the process with a hint when that is taken. Resolves with the URL to open. */
export async function startFront(target: Target): Promise<string> {
  const site = await loadSite();
  const lines = new Lines();
  const front = createHttpServer((request, response) => {
    const { pathname } = urlOf(request);
    if (pathname === "/bowline") answerThroughLine(request, response);
    else if (pathname.startsWith("/line/")) controlLine(request, response);
    else site(request, response);
  });

  front.on("upgrade", (request, _socket, head) => {
    const line = lineOf(request);
    const address = target();
    if (line && address) line.carry(request, head, address);
    else request.socket.destroy();
  });

  front.once("error", (error: NodeJS.ErrnoException) => {
    const { code, message } = error;
    console.error(
      code === "EADDRINUSE" ? `${message}\nSet PORT to another one, e.g. PORT=3001 npm start` : message,
    );
    process.exit(1);
  });

  await new Promise<void>((resolve) => front.listen(Number(process.env["PORT"] || 3000), resolve));
  return `http://localhost:${(front.address() as AddressInfo).port}`;

  /** POST /line/<id>/cut, restore or drop; GET /line/<id> tells how it stands. Plain HTTP: it works on a cut line too. */
  function controlLine(request: IncomingMessage, response: ServerResponse): void {
    const [, , id = "", action = ""] = urlOf(request).pathname.split("/");
    const line = lines.get(id);
    if (line && request.method === "POST" && (action === "cut" || action === "restore" || action === "drop"))
      line[action]();
    else if (!line || request.method !== "GET" || action !== "") return void response.writeHead(404).end();
    response
      .writeHead(200, { "content-type": "application/json", "cache-control": "no-store" })
      .end(JSON.stringify({ isCut: line.isCut }));
  }

  /** A page that was refused asks by GET why: over the same line. */
  function answerThroughLine(request: IncomingMessage, response: ServerResponse): void {
    const line = lineOf(request);
    const address = target();
    if (!line || line.isCut || !address) return void request.socket.destroy();
    const { method, url, headers } = request;
    const onward = httpRequest({ ...address, method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  }

  function lineOf(request: IncomingMessage): ReturnType<Lines["get"]> {
    return lines.get(urlOf(request).searchParams.get("line") ?? "");
  }
}

function urlOf({ url = "/" }: IncomingMessage): URL {
  return new URL(URL.canParse(url, "http://localhost") ? url : "/", "http://localhost");
}
