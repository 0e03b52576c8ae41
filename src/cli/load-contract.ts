import { existsSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { extname, resolve } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { nearest, shownValue } from "../base/options.ts";
import type { Contract } from "../contract/contract.ts";
import { CommandError } from "./command.ts";

/** Where a contract is: a module of the user's, and the name of its export, where it has several. */
export interface ContractPlace {
  readonly file: string;
  readonly exportName: string | undefined;
  /** Folder that a relative path starts from. */
  readonly folder: string;
}

/** Reads the contract that a module exports. Rejects with a {@link CommandError} that says what is wrong and what to do. */
export async function loadContract({ file, exportName, folder }: ContractPlace): Promise<Contract> {
  const path = resolve(folder, file);
  if (!existsSync(path)) throw new CommandError(`there is no file ${path}`);
  if (statSync(path).isDirectory()) throw new CommandError(`${path} is a folder: name the file in it`);
  const exported = await importModule(path);
  const names = Object.keys(exported);
  if (exportName !== undefined) return namedContract(exported, exportName, file);
  const found = names.filter((name) => isContract(exported[name]));
  const [first, second] = found;
  // Two names of one contract, as of a default export beside a named one, leave no doubt.
  if (second !== undefined && found.some((name) => exported[name] !== exported[first as string]))
    throw new CommandError(
      `${file} exports ${found.length} contracts, ${found.join(" and ")}: say which, with --export ${first}`,
    );
  if (first !== undefined) return exported[first] as Contract;
  const others = names.length > 0 ? `it exports ${names.join(", ")}` : "it exports nothing";
  throw new CommandError(`${file} exports nothing that contract() made: ${others}`);
}

function namedContract(exported: Readonly<Record<string, unknown>>, name: string, file: string): Contract {
  if (!Object.hasOwn(exported, name)) {
    const names = Object.keys(exported).join(", ") || "nothing";
    throw new CommandError(`${file} has no export ${nearest(name, exported)} It exports: ${names}`);
  }
  const value = exported[name];
  if (isContract(value)) return value;
  throw new CommandError(`the export "${name}" of ${file} is no contract, but ${shownValue(value)}`);
}

/** Whether something was made by `contract()`, of this package or of another copy of it. */
function isContract(value: unknown): value is Contract {
  const { rooms, requests, matchRoom } = Object(value) as Partial<Contract>;
  return typeof matchRoom === "function" && typeof rooms === "object" && typeof requests === "object";
}

async function importModule(path: string): Promise<Record<string, unknown>> {
  const read = /^\.[cm]?tsx?$/.test(extname(path)) ? await typeScriptReader(path) : importPlain;
  try {
    return { ...(await read(pathToFileURL(path).href, import.meta.url)) };
  } catch (error) {
    throw new CommandError(`${path} can't be loaded: ${reasonOf(error)}`, { cause: error });
  }
}

/** Imports a module by its URL; `parent` is that of the module that asks. */
type Import = (url: string, parent: string) => Promise<Record<string, unknown>>;

const importPlain: Import = async (url) => (await import(url)) as Record<string, unknown>;

/** What imports TypeScript: tsx where the project has it, which reads all of it, otherwise the runtime itself. */
async function typeScriptReader(path: string): Promise<Import> {
  const { versions, features } = process as { versions: NodeJS.ProcessVersions; features: object };
  if ("bun" in versions || "deno" in versions) return importPlain;
  const tsx = locateTsx(path);
  // Its `register` would not do: in a project of CommonJS modules, Node then asks for the file by `require`.
  if (tsx) return ((await import(tsx)) as { readonly tsImport: Import }).tsImport;
  if ((features as { typescript?: unknown }).typescript) return importPlain;
  throw new CommandError(
    `Node ${versions.node} can't read the TypeScript of ${path}: install tsx (npm install -D tsx), use Node 22.18 or newer, or name a built .js file`,
  );
}

/** The module of tsx that the project of `path` has; null where it has none. */
function locateTsx(path: string): string | null {
  try {
    const manifest = createRequire(path).resolve("tsx/package.json");
    const { exports } = JSON.parse(readFileSync(manifest, "utf8")) as TsxManifest;
    return new URL(exports["./esm/api"].import.default, pathToFileURL(manifest)).href;
  } catch {
    return null;
  }
}

/** Asked for as an import: what `createRequire` finds is the other half, for CommonJS. */
interface TsxManifest {
  readonly exports: { readonly "./esm/api": { readonly import: { readonly default: string } } };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
