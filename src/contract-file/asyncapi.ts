import { inboxPattern } from "../contract/contract.ts";
import type { ContractFile, EventInFile, PayloadInFile, RequestInFile } from "./contract-file.ts";
import { nameOf } from "./definitions.ts";
import { contractFileHash } from "./describe.ts";
import { mapObjects, type JsonSchema } from "./json-schema.ts";
import { nameSchemas, type NamedSchemas } from "./named-schemas.ts";

/** What an AsyncAPI document says beyond the contract. */
export interface AsyncApiOptions {
  /** Title of the document. */
  readonly title: string;
  /** Where clients connect to: `ws:` or `wss:`. */
  readonly server: URL;
}

type Members = Record<string, unknown>;

/** What an operation is about: the keys of a channel and of a message in it. */
interface Operation extends Members {
  readonly channel: string;
  readonly message: string;
}

/**
 * A contract as an AsyncAPI 3.0 document, from the view of a client: a channel for each kind of room and for each request,
 * an operation for each thing that a client sends or receives. Its messages are the payloads: the frames around them, and
 * all that belongs to sessions and positions, AsyncAPI has no words for.
 */
export function asyncApi(file: ContractFile, options: AsyncApiOptions): JsonSchema {
  return new AsyncApi(file).document(options);
}

/** Gathers the parts of a document. */
class AsyncApi {
  readonly #file: ContractFile;
  readonly #schemas: NamedSchemas;
  readonly #channels: Members = {};
  readonly #operations: Members = {};

  constructor(file: ContractFile) {
    this.#file = file;
    this.#schemas = nameSchemas(file);
  }

  document({ title, server }: AsyncApiOptions): JsonSchema {
    const { rooms, requests, inbox } = this.#file;
    for (const [pattern, { events, signals, presence }] of Object.entries(rooms)) {
      const channel = this.#room(pattern);
      for (const [name, event] of Object.entries(events))
        this.#event(channel, [pattern, name], event, texts.event);
      for (const [name, signal] of Object.entries(signals))
        this.#event(channel, [pattern, name], signal, texts.signal);
      if (presence)
        this.#event(channel, [pattern, "", "presence"], { ...presence, from: "client" }, texts.presence);
    }
    if (inbox) {
      const channel = this.#room(inboxPattern);
      for (const [name, { payload }] of Object.entries(inbox.events))
        this.#event(channel, [inboxPattern, name], { payload, from: "server" }, texts.event);
    }
    for (const [name, request] of Object.entries(requests)) this.#request(name, request);
    return {
      asyncapi: "3.0.0",
      info: { title, version: contractFileHash(this.#file), description: texts.document },
      defaultContentType: "application/json",
      servers: { main: serverAt(server) },
      channels: this.#channels,
      operations: this.#operations,
      components: {
        schemas: mapObjects(this.#schemas.all, toComponents),
        securitySchemes: {
          token: { type: "http", scheme: "bearer", description: texts.token },
        },
      },
    };
  }

  /** Adds the channel of a pattern; gives its name. */
  #room(pattern: string): string {
    const parameters: Members = {};
    const address = pattern.replaceAll(/:([^/]+)/g, (_, name: string) => {
      const free = freeKey(parameters, name.replaceAll(/[^A-Za-z0-9_-]/g, "_"));
      parameters[free] = { description: `:${name} of the room's name` };
      return `{${free}}`;
    });
    const description = pattern === inboxPattern ? texts.inbox : `Rooms ${pattern}.`;
    return this.#channel(nameOf(pattern), { address, description, parameters });
  }

  #channel(name: string, channel: Members): string {
    const free = freeKey(this.#channels, name);
    this.#channels[free] = { ...channel, messages: {} };
    return free;
  }

  #event(
    channel: string,
    steps: readonly string[],
    { from, sent }: PayloadInFile & Pick<EventInFile, "from">,
    summary: string,
  ): void {
    const name = steps.at(-1) as string;
    const received = this.#message(channel, steps, name, summary);
    this.#operation(received, "receive", { channel, message: received, summary: `Receive ${name}.` });
    if (from === "server") return;
    const given = sent ? this.#message(channel, [...steps, "sent"], name, summary) : received;
    this.#operation(received, "send", { channel, message: given, summary: `Send ${name}.` });
  }

  #request(name: string, { errors, idempotent }: RequestInFile): void {
    const channel = this.#channel(nameOf("request", name), { address: name, description: texts.request });
    const input = this.#message(channel, ["request", name, "input"], name, "What is asked.");
    const output = this.#message(channel, ["request", name, "output"], name, "The reply.");
    const refusals = errors.length > 0 ? ` May be refused with ${errors.join(", ")}.` : "";
    this.#operation(channel, "send", {
      channel,
      message: input,
      summary: `Ask ${name}.`,
      description: `${idempotent ? texts.idempotent : texts.once}${refusals}`,
      reply: { channel: ref("channels", channel), messages: [ref("channels", channel, "messages", output)] },
    });
  }

  /** Adds a message to a channel; gives its key. */
  #message(channel: string, steps: readonly string[], name: string, summary: string): string {
    const schema = this.#schemas.nameAt(...steps);
    const { messages } = this.#channels[channel] as { messages: Members };
    const key = freeKey(messages, schema);
    messages[key] = { name, title: name, summary, payload: ref("components", "schemas", schema) };
    return key;
  }

  #operation(name: string, action: "send" | "receive", { channel, message, ...others }: Operation): void {
    const messages = [ref("channels", channel, "messages", message)];
    const key = freeKey(this.#operations, `${action}${name}`);
    this.#operations[key] = { action, channel: ref("channels", channel), ...others, messages };
  }
}

const texts = {
  document:
    "Made from a contract of Bowline, from the view of a client; the version is the hash of the contract. Messages are payloads: Bowline's protocol says which frames carry them, and adds sessions, positions, acknowledgements and presence.",
  event: "A durable event: stored, in order, exactly once.",
  signal: "A signal: not stored, and it may be dropped.",
  presence: "The state of a member who is present.",
  inbox: "The inbox of a user, by the percent-encoded user id.",
  request: "A request, by its name.",
  once: "Runs at most once.",
  idempotent: "May run more than once.",
  token:
    "What the server's authenticate takes, if it takes a token. Browsers send it in a subprotocol entry.",
};

function serverAt({ host, pathname, protocol }: URL): Members {
  return {
    host,
    pathname,
    protocol: protocol.replace(":", ""),
    description: "WebSocket, subprotocol bowline.v1.json.",
    security: [ref("components", "securitySchemes", "token")],
  };
}

function ref(...steps: readonly string[]): JsonSchema {
  return { $ref: `#/${steps.join("/")}` };
}

/** The definitions of a contract file are among the components. */
function toComponents(object: Members): Members {
  const { $ref } = object;
  return typeof $ref === "string"
    ? { ...object, $ref: $ref.replace(/^#\/\$defs\//, "#/components/schemas/") }
    : object;
}

function freeKey(taken: Readonly<Members>, wanted: string): string {
  for (let copy = 1; ; copy += 1) {
    const key = copy === 1 ? wanted : `${wanted}${copy}`;
    if (!Object.hasOwn(taken, key)) return key;
  }
}
