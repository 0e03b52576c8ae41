/** The little that the views need of the DOM. */

/** An element of the page's own HTML. */
export function byId<E extends HTMLElement = HTMLElement>(id: string): E {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element as E;
}

/** Makes an element with a class, attributes and children. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const svgNamespace = "http://www.w3.org/2000/svg";

/** An icon of the sprite in the page. */
export function icon(name: string): SVGSVGElement {
  const svg = document.createElementNS(svgNamespace, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(svgNamespace, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** Writes text where it differs: a live region is not to speak twice. */
export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Makes `children` the children of `parent`, touching only what is not in its place. */
export function place(parent: HTMLElement, children: readonly HTMLElement[]): void {
  const wanted = new Set<Element>(children);
  for (const child of Array.from(parent.children)) if (!wanted.has(child)) child.remove();
  for (const [index, child] of children.entries()) {
    const present = parent.children[index];
    if (present !== child) parent.insertBefore(child, present ?? null);
  }
}

/** A round picture made of somebody's initials, in a colour that stays theirs. */
export function avatar(name: string): HTMLElement {
  return dressAvatar(make("span", { class: "avatar", "aria-hidden": "true" }), name);
}

export function dressAvatar(element: HTMLElement, name: string): HTMLElement {
  element.textContent = initials(name);
  element.dataset["hue"] = String(hash(name) % hueCount);
  return element;
}

const hueCount = 8;
const graphemes = new Intl.Segmenter();

function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [name];
  return letters
    .map((word) => firstLetter(word ?? ""))
    .join("")
    .toUpperCase();
}

/** What a reader takes for one character, which an emoji is too. */
function firstLetter(word: string): string {
  for (const { segment } of graphemes.segment(word)) return segment;
  return "";
}

function hash(text: string): number {
  let value = 0;
  for (const char of text) value = (value * 31 + (char.codePointAt(0) ?? 0)) >>> 0;
  return value;
}
