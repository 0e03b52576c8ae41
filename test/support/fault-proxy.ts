import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** A direction bytes go in. */
export type Direction = "toServer" | "toClient";

interface Link {
  readonly client: Socket;
  readonly server: Socket;
}

/**
 * A TCP relay that fails on command. Frozen, it neither forwards nor closes: both ends believe in a line that is dead,
 * as they do when a phone leaves the network.
 */
export class FaultProxy {
  readonly #server: Server;
  readonly #links = new Set<Link>();
  readonly #frozen: Record<Direction, boolean> = { toServer: false, toClient: false };
  #refuses = false;

  constructor(targetPort: number) {
    this.#server = createServer((client) => this.#relay(client, targetPort));
  }

  /** Where to connect in the target's place. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** How many lines are up. */
  get lines(): number {
    return this.#links.size;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  /** Stops forwarding, in one direction or both, on all lines and on those that come. */
  freeze(...directions: Direction[]): void {
    this.#setFrozen(directions, true);
  }

  /** Forwards again, also what was held back. */
  thaw(...directions: Direction[]): void {
    this.#setFrozen(directions, false);
  }

  /** Lets new lines work, and leaves those there are as dead as they are. */
  thawNew(): void {
    this.#frozen.toServer = this.#frozen.toClient = false;
  }

  /** Ends all lines at once, without a goodbye, and thaws. */
  cut(): void {
    this.thawNew();
    for (const { client, server } of this.#links) {
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
    this.#links.clear();
  }

  /** Whether new lines are turned away. */
  refuse(refuses: boolean): void {
    this.#refuses = refuses;
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #relay(client: Socket, targetPort: number): void {
    if (this.#refuses) return void client.resetAndDestroy();
    const link = { client, server: connect(targetPort, "127.0.0.1") };
    this.#links.add(link);
    this.#forward(link, client, link.server);
    this.#forward(link, link.server, client);
    if (this.#frozen.toServer) client.pause();
    if (this.#frozen.toClient) link.server.pause();
  }

  #forward(link: Link, from: Socket, to: Socket): void {
    from.setNoDelay(true);
    from.on("data", (bytes) => to.write(bytes));
    from.on("error", () => {});
    from.on("close", () => {
      this.#links.delete(link);
      to.destroy();
    });
    from.on("end", () => to.end());
  }

  #setFrozen(directions: readonly Direction[], frozen: boolean): void {
    for (const direction of directions.length > 0 ? directions : (["toServer", "toClient"] as const)) {
      this.#frozen[direction] = frozen;
      for (const { client, server } of this.#links) {
        const from = direction === "toServer" ? client : server;
        if (frozen) from.pause();
        else from.resume();
      }
    }
  }
}

/** Starts one in front of a port of this machine. */
export async function startFaultProxy({ port }: { readonly port: number }): Promise<FaultProxy> {
  const proxy = new FaultProxy(port);
  await proxy.listen();
  return proxy;
}
