import type { Mutant } from "../mutant.ts";

export const contractMutants: readonly Mutant[] = [
  {
    id: "contract-order",
    file: "src/contract/canonical-json.ts",
    from: ".toSorted(([a], [b]) => (a < b ? -1 : 1))",
    to: "",
    tests: "test/spec/contract-vectors.test.ts",
    why: "two ends with the same contract are told that theirs differ",
  },
  {
    id: "contract-asked-back",
    file: "src/server/cluster.ts",
    from: "    if (hash !== contracts.hash && !back) this.#askContract(from);\n",
    to: "",
    tests: "test/server/cluster-questions.test.ts",
    why: "the nodes that were there are told nothing of one that comes with another contract",
  },
  {
    id: "contract-told-once",
    file: "src/server/client-contracts.ts",
    from: "      this.#told.add(theirs);\n",
    to: "",
    tests: "test/client/contract-check.test.ts",
    why: "each client of an older release is a line in the log",
  },
  {
    id: "contract-definitions",
    file: "src/contract-file/definitions.ts",
    from: "return !taken || canonicalJson(taken) === canonicalJson(schema);",
    to: "return !taken || true;",
    tests: "test/contract-file/describe.test.ts",
    why: "of two definitions of one name, one takes the place of the other in the exported contract",
  },
  {
    id: "contract-closed",
    file: "src/contract-file/convert.ts",
    from: "...(drops && { additionalProperties: false }),",
    to: "",
    tests: "test/contract-file/describe.test.ts",
    why: "a server in another language stores what this one drops",
  },
  {
    id: "contract-defs-digest",
    file: "src/contract-file/digests.ts",
    from: "      found[name] = definition;\n",
    to: "",
    tests: "test/contract-file/digests.test.ts",
    why: "nodes whose recursive schemas differ are told that they differ, and not in what",
  },
];
