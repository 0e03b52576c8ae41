import { readFileSync } from "node:fs";
import { describe as describeContract } from "bowline/contract-file";
import { expect, test } from "vitest";
import { conformanceContract } from "../../conformance/contract.ts";

test("the contract of the conformance suite is the one of the project's own server", () => {
  const file = new URL("../../spec/conformance/contract.json", import.meta.url);
  // Where it is not: npm run bowline -- export contract conformance/contract.ts --out spec/conformance/contract.json
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(describeContract(conformanceContract));
});
