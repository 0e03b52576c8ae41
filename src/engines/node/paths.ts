import type { IncomingMessage, Server as HttpServer, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Undo } from "../../base/clock.ts";

/** What takes the requests and upgrades of one path. */
export interface PathOwner {
  /** Whether another one may take the path: this one only answers for the time until somebody does. */
  readonly isOver: boolean;
  request(request: IncomingMessage, response: ServerResponse): void;
  upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void;
}

/** Answers what nobody else would. `paths` are those that have an owner. */
export interface Nobody {
  request(request: IncomingMessage, response: ServerResponse, paths: readonly string[]): void;
  upgrade(request: IncomingMessage, stream: Duplex, paths: readonly string[]): void;
}

type Emit = (event: string, ...args: unknown[]) => boolean;

interface Emitting {
  emit: Emit;
}

/** Those of each HTTP server. */
const pathsOf = new WeakMap<HttpServer, Paths>();

/**
 * Gives one path of an HTTP server an owner: its requests and upgrades go there, and nobody else's listeners see them,
 * registered before or after. Of everything else the server's own listeners see all. Where there are none, `nobody`
 * answers. Returns an undo, or null where the path has an owner.
 */
export function takePath(http: HttpServer, path: string, owner: PathOwner, nobody: Nobody): Undo | null {
  const paths = pathsOf.get(http) ?? new Paths(http, nobody);
  pathsOf.set(http, paths);
  return paths.take(path, owner);
}

/**
 * Stands in front of the listeners of one HTTP server. It looks at what is emitted, as a listener could not keep it from
 * the others: `ws`, given the server and a path, answers each upgrade of any other path with 400, and many an application
 * destroys the socket.
 */
class Paths {
  readonly #http: HttpServer;
  readonly #owners = new Map<string, PathOwner>();
  readonly #nobody: Nobody;
  #restore: Undo | null = null;

  constructor(http: HttpServer, nobody: Nobody) {
    this.#http = http;
    this.#nobody = nobody;
  }

  take(path: string, owner: PathOwner): Undo | null {
    if (this.#owners.get(path)?.isOver === false) return null;
    this.#owners.set(path, owner);
    // Without a listener, Node.js takes an upgrade for a plain request.
    if (!this.#http.listeners("upgrade").includes(this.#refuseLast))
      this.#http.on("upgrade", this.#refuseLast);
    this.#restore ??= this.#intercept();
    return () => {
      if (this.#owners.get(path) !== owner) return;
      this.#owners.delete(path);
      if (this.#owners.size > 0) return;
      this.#http.off("upgrade", this.#refuseLast);
      this.#restore?.();
    };
  }

  #intercept(): Undo {
    const target: Emitting = this.#http;
    const inherited = !Object.hasOwn(target, "emit");
    const { emit } = target;
    const intercepting: Emit = (event, ...args) =>
      this.#isTaken(event, args) || emit.call(target, event, ...args);
    target.emit = intercepting;
    return () => {
      // Where somebody has put a function of theirs around this one, it stays, and passes everything on.
      if (target.emit !== intercepting) return;
      this.#restore = null;
      if (inherited) delete (target as Partial<Emitting>).emit;
      else target.emit = emit;
    };
  }

  #isTaken(event: string, args: readonly unknown[]): boolean {
    if (event !== "request" && event !== "upgrade") return false;
    const request = args[0] as IncomingMessage;
    const owner = this.#owners.get(pathOf(request));
    if (!owner) return event === "request" && this.#answerLast(request, args[1] as ServerResponse);
    if (event === "request") owner.request(request, args[1] as ServerResponse);
    else owner.upgrade(request, args[1] as Duplex, args[2] as Buffer);
    return true;
  }

  /** Answers a request that nobody else listens for: without an answer it would hang for ever. */
  #answerLast(request: IncomingMessage, response: ServerResponse): boolean {
    if (this.#http.listenerCount("request") > 0) return false;
    this.#nobody.request(request, response, [...this.#owners.keys()]);
    return true;
  }

  /** The same for an upgrade. */
  readonly #refuseLast = (request: IncomingMessage, stream: Duplex): void => {
    if (this.#http.listenerCount("upgrade") === 1)
      this.#nobody.upgrade(request, stream, [...this.#owners.keys()]);
  };
}

function pathOf({ url = "" }: IncomingMessage): string {
  if (url.startsWith("/")) {
    const end = url.indexOf("?");
    return end < 0 ? url : url.slice(0, end);
  }
  // A proxy may send the whole address (RFC 9112, 3.2.2).
  return URL.canParse(url) ? new URL(url).pathname : "";
}
