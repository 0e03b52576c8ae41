import { jsonCodec } from "../../src/server/json-codec.ts";
import type { WireFormat } from "../../src/server/wire-formats.ts";
import { textFraming } from "../../src/testing/framing.ts";

/** JSON to sockets that go nowhere. */
export const textFormat: WireFormat = { codec: jsonCodec, framing: textFraming };
