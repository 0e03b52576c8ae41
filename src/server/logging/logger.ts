/* oxlint-disable no-console -- the console is what it writes to */
/**
 * Where a server writes its lines: the shape that `console` and `pino()` share. Each method is given the fields of the
 * line first and its text second, as a method of the logger. What it throws or rejects with ends nothing.
 *
 * @example
 * createServer(chat, { logger: pino() });
 * createServer(chat, { logger: { warn: (fields, text) => send(text, fields), error: (fields, text) => page(text, fields) } });
 */
export interface Logger {
  /** Connects, joins, leaves, closes and drains, with the option `debug`. Without it they go to `info`, else to the console. */
  debug?(fields: object, message: string): void;
  /** Takes what a logger without `debug` is told. */
  info?(fields: object, message: string): void;
  /** What was refused, connections that the server closed for a fault of the client's, outages of the broker. */
  warn(fields: object, message: string): void;
  /** Faults in hooks, handlers and schemas, where there is no `onError`; what `onError` itself fails with. */
  error(fields: object, message: string): void;
}

/** The default: one readable line each, and for a fault the stack below it. */
export const consoleLogger: Logger & Required<Pick<Logger, "debug">> = {
  debug: (_fields: object, message: string): void => console.debug(`bowline: ${message}`),
  warn: (_fields: object, message: string): void => console.warn(`bowline: ${message}`),
  error: (fields: object, message: string): void => console.error(`bowline: ${message}${stackBelow(fields)}`),
};

/** The logger behind the option `logger`, null for none; throws a `TypeError` for what is no logger. */
export function loggerOf(given: Logger | false = consoleLogger): Logger | null {
  if (given === false) return null;
  const { warn, error } = (given ?? {}) as Partial<Logger>;
  if (typeof warn === "function" && typeof error === "function") return given;
  throw new TypeError(
    `logger must have the methods warn and error, as console and pino() do, or be false for silence, not ${typeof given}`,
  );
}

function stackBelow(fields: { readonly err?: { readonly stack?: string } }): string {
  const { stack } = fields.err ?? {};
  return stack ? `\n${stack}` : "";
}
