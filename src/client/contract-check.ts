import { attempt } from "../base/awaitable.ts";
import { hashOf } from "../contract/contract-hash.ts";
import type { Contract } from "../contract/contract.ts";
import { differencesOf, differenceTexts } from "../contract/differences.ts";
import { outlineOf, type Outline } from "../contract/outline.ts";
import type { HelloFrame, WelcomeFrame } from "../protocol/frames.ts";

type Say = (printed: Set<string>, text: string) => void;

/** What each client was told, by the function that tells it. */
const told = new WeakMap<Say, Set<string>>();

/** A hello that asks for the server's contract. */
export function withContract(hello: HelloFrame, contract: Contract): HelloFrame {
  return { ...hello, contract: hashOf(outlineOf(contract)) };
}

/** Says what differs where the server has another contract: once, until that is another one again. */
export function tellContract(contract: Contract, { contract: theirs }: WelcomeFrame, say: Say): void {
  if (!theirs?.outline) return;
  const printed = told.get(say) ?? new Set();
  told.set(say, printed);
  // Whatever a newer server may have sent, it ends nothing.
  attempt(
    () => {
      const differences = differencesOf(outlineOf(contract), theirs.outline as Partial<Outline>);
      const what = differenceTexts(differences, "the server").join("; ");
      say(printed, `the server has another contract than this client: ${what}`);
    },
    () => {},
  );
}
