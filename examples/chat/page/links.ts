/** Web addresses in a message, as links. */
import { make } from "./dom.ts";

const address = /https?:\/\/[^\s<>"]+/g;
/** Ends a sentence rather than an address. */
const sentenceEnd = /[.,:;!?'’”]+$/u;

/** The text as nodes: every web address in it is a link, everything else stays text. */
export function withLinks(text: string): (Node | string)[] {
  const nodes: (Node | string)[] = [];
  let end = 0;
  for (const { 0: found, index } of text.matchAll(address)) {
    const href = trimmed(found);
    if (!URL.canParse(href)) continue;
    nodes.push(text.slice(end, index), link(href));
    end = index + href.length;
  }
  nodes.push(text.slice(end));
  return nodes;
}

/** Without what belongs to the sentence around it: its punctuation, and a bracket that was opened before the address. */
function trimmed(found: string): string {
  let href = found.replace(sentenceEnd, "");
  while (href.endsWith(")") && count(href, ")") > count(href, "("))
    href = href.slice(0, -1).replace(sentenceEnd, "");
  return href;
}

function count(text: string, char: string): number {
  return text.split(char).length - 1;
}

/** Opens beside the chat. The other page learns nothing of this one. */
function link(href: string): HTMLElement {
  return make("a", { href, target: "_blank", rel: "noopener noreferrer nofollow ugc" }, href);
}
