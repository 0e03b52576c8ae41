import type { WebSocketClass, WebSocketLike } from "./socket.ts";

/** Where undici, which is inside Node, keeps what makes all its connections. */
const dispatcherKey = Symbol.for("undici.globalDispatcher.1");

type Handler = Record<string, unknown>;

interface Dispatcher {
  dispatch(request: unknown, handler: Handler): boolean;
}

interface Stream {
  destroy(): void;
}

/**
 * Node's own WebSocket class, with a `terminate`: by itself it waits without end for the answer to a close frame, and the
 * process with it. Undefined where the global class is another one.
 */
export function undiciWebSocket(): WebSocketClass | undefined {
  const platform = globalThis as {
    readonly WebSocket?: new (url: string, options: object) => WebSocketLike;
    readonly [dispatcherKey]?: Dispatcher;
  };
  const isNode = !("Bun" in globalThis || "Deno" in globalThis);
  // Reading the class loads undici, and with it the dispatcher.
  const Platform = isNode ? platform.WebSocket : undefined;
  if (!Platform || !platform[dispatcherKey]) return undefined;
  return class extends Platform {
    readonly #stream: { of: Stream | null };

    constructor(url: string, protocols: string[]) {
      const stream: { of: Stream | null } = { of: null };
      const dispatch: Dispatcher["dispatch"] = (request, handler) =>
        (platform[dispatcherKey] as Dispatcher).dispatch(
          request,
          watchUpgrade(handler, (upgraded) => (stream.of = upgraded)),
        );
      super(url, { protocols, dispatcher: { dispatch } });
      this.#stream = stream;
    }

    terminate(): void {
      this.#stream.of?.destroy();
    }
  };
}

/** The same handler, which tells of the stream that it is given: under one name up to undici 6, and another from 7 on. */
function watchUpgrade(handler: Handler, upgraded: (stream: Stream) => void): Handler {
  const watching = Object.create(handler) as Handler;
  for (const name of ["onUpgrade", "onRequestUpgrade"]) {
    const inner = handler[name];
    if (typeof inner !== "function") continue;
    watching[name] = (...of: unknown[]): unknown => {
      upgraded(of.at(-1) as Stream);
      return inner.apply(watching, of) as unknown;
    };
  }
  return watching;
}
