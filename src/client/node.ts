/**
 * The client, for Node, Bun and Deno: what `bowline/client` is there.
 *
 * @module
 */
import type { Contract } from "../contract/contract.ts";
import { createClientOver } from "./client.ts";
import type { Client, ClientOptions } from "./client-types.ts";
import { processTransport } from "./process-transport.ts";

export * from "./index.ts";

/**
 * Makes a client for a contract and connects it. Throws a `TypeError` that names an option that does not fit.
 *
 * @example
 * const client = createClient(chat, { url: "wss://example.com/bowline", token: () => session.getToken() });
 */
export function createClient<C extends Contract>(contract: C, options: ClientOptions): Client<C> {
  return createClientOver(processTransport, contract, options);
}
