import { expect, test } from "vitest";
import { sections } from "../../src/conformance/case.ts";
import { clientSide } from "../../src/conformance/client/client-forms.ts";
import { conformance } from "../../src/conformance/command.ts";
import { loadCases } from "../../src/conformance/load-cases.ts";
import { bundled } from "../support/bundled.ts";

const cases = loadCases(clientSide);
const command = bundled("conformance/client.ts");

/** Runs the cases of one section; gives what the command says beside its result, and its exit code. */
async function play(section: string): Promise<object> {
  const noted: string[] = [];
  // A second process costs its start: it pays where some cases kill theirs.
  const atOnce = section === "sessions" ? "2" : "1";
  const code = await conformance(
    ["--client-cmd", await command, "--only", `client/${section}/*`, "--at-once", atOnce],
    {
      print: () => {},
      note: (text) => noted.push(text),
    },
  );
  return { code, failed: noted.filter((text) => !text.endsWith(" cases")) };
}

test.each(sections.filter((section) => cases.some((it) => it.section === section)))(
  "the client of this project passes the cases of %s",
  async (section) => {
    expect(await play(section)).toEqual({ code: 0, failed: [] });
  },
  120_000,
);

test("the client's suite has no case less", () => {
  expect(cases.length).toBeGreaterThanOrEqual(215);
});
