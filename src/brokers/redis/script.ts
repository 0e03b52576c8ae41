import { createHash } from "node:crypto";

/** A Lua script of spec/redis, and the hash that Redis knows it by once it is loaded. */
export interface Script {
  readonly sha1: string;
  /** Of its fixed keys, what each has to be. */
  readonly keyTypes: readonly string[];
  readonly lua: string;
}

/** Whether a script refused because the data set is another one than it was run for. */
export function isOtherData(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("OTHERDATA");
}

/** Throws when a script is not the one that its layout means: it would write what other nodes do not expect. */
export function checkScripts(scripts: Readonly<Record<string, Script>>, layout: number): void {
  for (const [name, { lua, sha1 }] of Object.entries(scripts)) {
    const found = createHash("sha1").update(lua).digest("hex");
    if (found !== sha1)
      throw new Error(
        `redis broker: the script "${name}" was altered: its SHA-1 is ${found}, that of layout ${layout} is ${sha1}; ` +
          "install the package again",
      );
  }
}
