import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** A direction bytes go in. */
export type Direction = "toServer" | "toClient";

/** One connection through a {@link Lines}. */
export class Line {
  readonly #sides: Readonly<Record<Direction, Socket>>;
  /** How many faults hold each direction at the moment. */
  readonly #holds: Record<Direction, number> = { toServer: 0, toClient: 0 };

  constructor(client: Socket, server: Socket) {
    this.#sides = { toServer: client, toClient: server };
    this.#forward(client, server);
    this.#forward(server, client);
  }

  /**
   * Stops reading what comes for one direction, and so forwards none of it: neither bytes nor an end. The sender's
   * buffers fill up.
   */
  freeze(direction: Direction): void {
    this.#holds[direction] += 1;
    this.#sides[direction].pause();
  }

  /** Undoes one freeze. */
  thaw(direction: Direction): void {
    this.#holds[direction] = Math.max(0, this.#holds[direction] - 1);
    if (this.#holds[direction] === 0) this.#sides[direction].resume();
  }

  /** Ends it at once and without a goodbye, at both ends. */
  cut(): void {
    for (const side of Object.values(this.#sides)) reset(side);
  }

  /** Called when either end is gone. */
  onClosed(listener: () => void): void {
    for (const side of Object.values(this.#sides)) side.on("close", listener);
  }

  #forward(from: Socket, to: Socket): void {
    from.setNoDelay(true);
    from.on("data", (bytes) => {
      // A receiver that does not read holds its sender back, as it would without anything between them.
      if (!to.write(bytes)) from.pause();
    });
    to.on("drain", () => {
      const direction = from === this.#sides.toServer ? "toServer" : "toClient";
      if (this.#holds[direction] === 0) from.resume();
    });
    from.on("error", () => {});
    from.on("end", () => to.end());
    from.on("close", () => to.destroy());
  }
}

/** One that is being ended, or has something to write, can't be reset: Node would keep its handle for ever. */
function reset(socket: Socket): void {
  if (socket.writableEnded || socket.writableLength > 0) socket.destroy();
  else socket.resetAndDestroy();
}

/** A TCP relay whose lines fail one by one, on command. */
export class Lines {
  readonly #server: Server;
  readonly #lines = new Set<Line>();
  #refusals = 0;

  /** `target` names the port that a new line goes to; null refuses it. */
  constructor(target: () => number | null) {
    this.#server = createServer((client) => this.#relay(client, target()));
  }

  /** Where to connect in the target's place. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get all(): readonly Line[] {
    return [...this.#lines];
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  /** Turns new lines away until the returned function is called. */
  refuse(): () => void {
    this.#refusals += 1;
    return () => {
      this.#refusals -= 1;
    };
  }

  async close(): Promise<void> {
    for (const line of this.#lines) line.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #relay(client: Socket, targetPort: number | null): void {
    if (this.#refusals > 0 || targetPort === null) {
      client.on("error", () => {});
      client.resetAndDestroy();
      return;
    }
    const line = new Line(client, connect(targetPort, "127.0.0.1"));
    this.#lines.add(line);
    line.onClosed(() => this.#lines.delete(line));
  }
}
