import { createRequire } from "node:module";
import { join } from "node:path";
import { contract, event, request, room, signal, type Contract } from "bowline";
import { asyncApi, describe as describeContract } from "bowline/contract-file";
import { expect, test } from "vitest";
import * as z from "zod";
import { hasAsyncApiParser } from "../../scripts/asyncapi.mjs";
import { chat } from "../contract-file/chat.contract.ts";

interface Diagnostic {
  readonly severity: number;
  readonly code: string | number;
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** What of the parser is used. */
interface Parser {
  parse(text: string): Promise<{
    readonly document?: { operations(): { all(): readonly Operation[] } };
    readonly diagnostics: readonly Diagnostic[];
  }>;
}

interface Operation {
  id(): string;
  action(): string;
  channels(): { all(): readonly { address(): string }[] };
}

const isInstalled = hasAsyncApiParser();

/** What is only worth knowing: that there is a newer version, that a component is used nowhere. */
const hint = 2;

interface Tree {
  readonly kids: readonly Tree[];
}
const tree: z.ZodType<Tree> = z.lazy(() => z.object({ kids: z.array(tree) }));
const text = z.object({ text: z.string() });
/** Names that meet, names that are none elsewhere, schemas that refer to themselves. */
const odd = contract({
  rooms: {
    "a/b/:c.d/:c~d": room({
      events: { presence: event(text), "e f": event(tree), "e/f": event(z.date()) },
      presence: text,
    }),
    "a/:b": room({
      events: { "b:c.d": event(text), sent: signal(z.string().transform(Number)), 日本: event(text) },
    }),
    request: room({ events: { ask: event(text, { from: "server" }) } }),
  },
  requests: {
    ask: request({ input: text, output: tree, errors: ["no"] }),
    "": request({ input: z.unknown(), output: z.never() }),
  },
  inbox: { mention: event(tree) },
});

const server = new URL("wss://example.com/bowline");
const documentOf = (of: Contract): object => asyncApi(describeContract(of), { title: "Test", server });

let parser: Parser | undefined;

/** One parser for all: it compiles the schemas of AsyncAPI, which takes longer than a document does. */
function parse(document: object): ReturnType<Parser["parse"]> {
  const require = createRequire(join(import.meta.dirname, "parser/package.json"));
  const official = require("@asyncapi/parser") as { Parser: new () => Parser };
  parser ??= new official.Parser();
  return parser.parse(JSON.stringify(document));
}

test.skipIf(!isInstalled).each(Object.entries({ chat, odd, empty: contract({}) }))(
  "the official parser finds nothing wrong with the document of a contract: %s",
  async (_name, of) => {
    const { diagnostics, document } = await parse(documentOf(of));
    expect(diagnostics.filter(({ severity }) => severity < hint)).toEqual([]);
    expect(document).toBeDefined();
  },
);

test.skipIf(!isInstalled)("it reads what a client may send and receives, and where", async () => {
  const { document } = await parse(documentOf(chat));
  const operations = document?.operations().all() ?? [];
  const read = operations.map((it) => `${it.action()} ${it.id()} ${it.channels().all()[0]?.address()}`);
  expect(read).toEqual([
    "receive receiveChatRoomMessage chat/{room}",
    "send sendChatRoomMessage chat/{room}",
    "receive receiveChatRoomNotice chat/{room}",
    "receive receiveChatRoomTyping chat/{room}",
    "send sendChatRoomTyping chat/{room}",
    "receive receiveChatRoomPresence chat/{room}",
    "send sendChatRoomPresence chat/{room}",
    "receive receiveJobsIdDone jobs/{id}",
    "receive receiveInboxUserMention inbox/{user}",
    "send sendRequestRoomsList rooms.list",
    "send sendRequestRoomsSearch rooms.search",
  ]);
});

test.skipIf(!isInstalled)("it finds what is wrong with a document that is", async () => {
  const { diagnostics } = await parse({ ...documentOf(contract({})), operations: { x: { action: "go" } } });
  expect(diagnostics.some(({ severity }) => severity < hint)).toBe(true);
});
