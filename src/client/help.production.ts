import type { HelloFrame } from "../protocol/frames.ts";
import { errorAbout } from "./call-site.ts";
import type * as help from "./help.ts";

/*
 * What help.ts is in builds for production: what it throws names the option or value alone, the texts of codes and reasons
 * are their names, and the console is told nothing. spec/PROTOCOL.md says what codes mean.
 */

/** Development has told of misspelt options; a server refuses wrong values as well. */
export function checkOptions(): void {}

export function checkJoinOptions(): void {}

/** A misspelt `store` or `user` must not cost data, wherever the options come from. */
export const checkClientOptions: typeof help.checkClientOptions = (_options, others) => {
  for (const name in others) throw misuse("option", name);
};

/** Places in a minified program tell nobody anything. */
export const callSites: typeof help.callSites = () => () => errorAbout;

export const misuse: typeof help.misuse = (about, ...of) => new TypeError(`${about}: ${of.join()}`);

export function withContract(hello: HelloFrame): HelloFrame {
  return hello;
}

export function tellContract(): void {}

/** What no frame may hold, a server refuses. */
export const toJson: typeof help.stateToJson = (payload) => {
  const json = JSON.stringify(payload ?? null) as string | undefined;
  if (json === undefined) throw misuse("json", typeof payload);
  return json;
};

export { toJson as stateToJson };

export function textOf(code: string): string {
  return code;
}

export const closeText: typeof help.closeText = (_code, name) => name;

export function reasonOf(reason: string): string {
  return reason;
}

export function noteStatus(): void {}

export function noteRefusal(): void {}

export function noteJoined(): void {}
