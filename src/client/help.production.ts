import type * as help from "./help.ts";

/*
 * What help.ts is in builds for production: what it throws names the option or value alone, and the texts of codes are
 * the codes. spec/PROTOCOL.md says what they mean.
 */

export const checkOptions: typeof help.checkOptions = (where, given, known) => {
  for (const name in given)
    if (!Object.hasOwn(known, name)) throw new TypeError(`${where}: unknown option "${name}"`);
};

export const checkClientOptions: typeof help.checkClientOptions = (_options, others) =>
  checkOptions("createClient", others, {});

export const checkJoinOptions: typeof help.checkJoinOptions = (options) =>
  checkOptions("join", options, { history: 0, position: 0, presence: 0 });

/** Places in a minified program tell nobody anything. */
export const callSites: typeof help.callSites = () => () => ({});

export const misuse: typeof help.misuse = (about, ...of) => new TypeError(`${about}: ${of.join()}`);

export const withContract: typeof help.withContract = (hello) => hello;

export const tellContract: typeof help.tellContract = () => {};

export const textOf: typeof help.textOf = (code) => code;
