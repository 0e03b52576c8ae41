import { attempt } from "../base/awaitable.ts";
import { hashOf } from "../contract/contract-hash.ts";
import type { Contract } from "../contract/contract.ts";
import { differencesOf, differenceTexts } from "../contract/differences.ts";
import { outlineOf, type Outline } from "../contract/outline.ts";
import type { HelloFrame, WelcomeFrame } from "../protocol/frames.ts";
import { warn } from "./notices.ts";

/** What each client was told last. */
const told = new WeakMap<object, string>();

/** A hello that asks for the server's contract. */
export function withContract(hello: HelloFrame, contract: Contract): HelloFrame {
  return { ...hello, contract: hashOf(outlineOf(contract)) };
}

/** Says what differs where the server has another contract: once, until that is another one again. */
export function tellContract(
  client: { readonly contract: Contract; readonly log: boolean },
  { contract: theirs }: WelcomeFrame,
): void {
  if (!theirs?.outline || !client.log) return;
  // Whatever a newer server may have sent, it ends nothing.
  attempt(
    () => {
      const differences = differencesOf(outlineOf(client.contract), theirs.outline as Partial<Outline>);
      const what = differenceTexts(differences, "the server").join("; ");
      if (told.get(client) === what) return;
      told.set(client, what);
      warn(`the server has another contract than this client: ${what}`);
    },
    () => {},
  );
}
