/**
 * The line between one visitor and the server: a TCP relay that can be cut. Nothing is simulated. A cut line carries no
 * byte either way and closes nothing, so both ends go on believing in a connection that is dead, as they do when a cable
 * is pulled or a phone enters a lift.
 */
import { connect, type Socket } from "node:net";
import type { IncomingMessage } from "node:http";

/** How long a line stays cut before its wires are given up: nobody is coming back for them. */
const cutMaxMs = 10 * 60_000;
const linesMax = 1000;
const idPattern = /^[\w-]{8,64}$/;

/** Where a server listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Two sockets joined into one. */
class Wire {
  readonly #near: Socket;
  readonly #far: Socket;

  constructor(near: Socket, far: Socket, closed: () => void) {
    this.#near = near;
    this.#far = far;
    near.on("error", ignore).once("close", () => far.destroySoon());
    far.on("error", ignore).once("close", () => {
      near.destroySoon();
      closed();
    });
    this.thaw();
  }

  /** Stops reading both ends. What they still send fills the kernel's buffers; that one of them closes goes unnoticed. */
  freeze(): void {
    this.#near.unpipe(this.#far).pause();
    this.#far.unpipe(this.#near).pause();
  }

  thaw(): void {
    this.#near.pipe(this.#far).pipe(this.#near);
  }

  drop(): void {
    this.#near.destroy();
    this.#far.destroy();
  }
}

/** All the connections of one visitor. */
class Line {
  isCut = false;
  readonly #wires = new Set<Wire>();
  #giveUp: NodeJS.Timeout | undefined;

  get isIdle(): boolean {
    return !this.isCut && this.#wires.size === 0;
  }

  /** Passes an upgrade on to the server. On a cut line nothing gets through, a new attempt as little as the rest. */
  carry(request: IncomingMessage, head: Buffer, address: Address): void {
    const near = request.socket;
    if (this.isCut) return void near.destroy();
    const far = connect(address);
    far.write(`${requestHead(request)}\r\n\r\n`);
    far.write(head);
    const wire = new Wire(near, far, () => this.#wires.delete(wire));
    this.#wires.add(wire);
  }

  cut(): void {
    this.isCut = true;
    for (const wire of this.#wires) wire.freeze();
    clearTimeout(this.#giveUp);
    this.#giveUp = setTimeout(() => this.drop(), cutMaxMs).unref();
  }

  restore(): void {
    clearTimeout(this.#giveUp);
    this.isCut = false;
    for (const wire of this.#wires) wire.thaw();
  }

  /** Closes what is open; new connections get through unless the line is cut. */
  drop(): void {
    for (const wire of this.#wires) wire.drop();
  }
}

/** Every visitor's line, by the id that the page made up. */
export class Lines {
  readonly #lines = new Map<string, Line>();

  /** Finds or lays a line; null when there are too many, or that is no id. */
  get(id: string): Line | null {
    if (!idPattern.test(id)) return null;
    const known = this.#lines.get(id);
    if (known) return known;
    if (this.#lines.size >= linesMax) this.#sweep();
    if (this.#lines.size >= linesMax) return null;
    const line = new Line();
    this.#lines.set(id, line);
    return line;
  }

  #sweep(): void {
    for (const [id, line] of this.#lines) if (line.isIdle) this.#lines.delete(id);
  }
}

/** The request as it came: the server is to see the page's own host and origin. */
function requestHead({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let at = 0; at < rawHeaders.length; at += 2) lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
  return lines.join("\r\n");
}

function ignore(): void {}
