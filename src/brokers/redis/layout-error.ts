/** The code of an error that says that the data set is of another layout: a node has to leave it alone. */
export const otherLayout = "OTHERLAYOUT";

/** What the script that identifies the data set has found instead of one of this layout, for people. */
export function layoutError(marker: string, error: Error): Error {
  const [, own, found] = /^OTHERLAYOUT (\d+) is not (.*)$/.exec(error.message) ?? [];
  if (own === undefined || found === undefined) return error;
  const what = /^\d{1,9}$/.test(found)
    ? `its data is of layout ${found}, and this node's is layout ${own}: start nodes of one layout only`
    : `its key is ${foundText(found)}, where this node's layout ${own} has its marker: delete the key`;
  return new Error(`${otherLayout} ("${marker}"): ${what}, or give this system another "prefix"`);
}

function foundText(found: string): string {
  if (found === "none") return "a hash without a layout number";
  return found.startsWith("a ")
    ? found
    : `a hash with the layout number ${JSON.stringify(found.slice(0, 40))}`;
}
