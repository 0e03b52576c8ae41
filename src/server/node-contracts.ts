import { contractFileHash, describe } from "../contract-file/describe.ts";
import { digestsOf, partsThatDiffer } from "../contract-file/digests.ts";
import type { Contract } from "../contract/contract.ts";
import { differencesOf, differenceTexts } from "../contract/differences.ts";
import { outlineOf, type Outline } from "../contract/outline.ts";
import { hashesMax } from "./client-contracts.ts";
import type { Logging } from "./logging/logging.ts";

/** What a node tells of its contract: the hash of the whole, and what it is found by what differs, where it does. */
export interface ToldContract {
  readonly hash: string;
  readonly outline?: Outline;
  /** By part: see `digestsOf`. */
  readonly digests?: Readonly<Record<string, string>>;
}

/** What is told of a contract, made once. */
const described = new WeakMap<Contract, Required<ToldContract>>();

/** Compares this node's contract with those of others. What it tells is made when it is first asked for. */
export class NodeContracts {
  readonly #contract: Contract;
  readonly #logging: Logging;
  readonly #told = new Set<string>();

  constructor({ contract, logging }: { readonly contract: Contract; readonly logging: Logging }) {
    this.#contract = contract;
    this.#logging = logging;
  }

  get hash(): string {
    return this.#own().hash;
  }

  /** What this node says to one with that hash. */
  answer(hash: string): ToldContract {
    const own = this.#own();
    return own.hash === hash ? { hash } : own;
  }

  /** What another node said: what differs is a line, once for each contract. One of an older version says null. */
  receive(node: string, told: ToldContract | null): void {
    const { hash = "", outline, digests } = told ?? {};
    const own = this.#own();
    if (!outline || hash === own.hash || this.#told.has(hash) || this.#told.size >= hashesMax) return;
    this.#told.add(hash);
    const names = differencesOf(own.outline, outline);
    const parts = partsThatDiffer(own.digests, digests ?? {});
    const texts = names.length > 0 || parts.length === 0 ? differenceTexts(names, "that node") : [];
    this.#logging.nodeContract(node, [...texts, ...partTexts(parts)]);
  }

  #own(): Required<ToldContract> {
    const known = described.get(this.#contract);
    if (known) return known;
    const file = describe(this.#contract);
    const [outline, digests] = [outlineOf(this.#contract), digestsOf(file)];
    const own = { hash: contractFileHash(file), outline, digests };
    described.set(this.#contract, own);
    return own;
  }
}

/** Most parts that are named in a line. */
const partsMax = 20;

function listed(parts: readonly string[]): string {
  const named = parts.slice(0, partsMax).map((part) => `"${part}"`);
  const left = parts.length - named.length;
  return [...named, ...(left > 0 ? [`${left} more`] : [])].join(", ");
}

function partTexts(parts: readonly string[]): string[] {
  const isHistory = (part: string): boolean => part.endsWith("/history");
  const schemas = parts.filter((part) => !isHistory(part));
  const bounds = parts.filter(isHistory);
  return [
    ...(schemas.length > 0 ? [`the schemas of ${listed(schemas)} differ`] : []),
    ...(bounds.length > 0 ? [`${listed(bounds)} differ`] : []),
  ];
}
