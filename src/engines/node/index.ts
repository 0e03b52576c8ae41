/**
 * The engine for Node.js: WebSocket by `ws`, on an HTTP server of its own or of your framework.
 *
 * @module
 */
export { attach } from "./attach.ts";
export { serve } from "./serve.ts";
export { closeSilent } from "./silence.ts";
export type { SilenceOptions } from "./silence.ts";
export type { Served, ServeOptions } from "./serve.ts";
