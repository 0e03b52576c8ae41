const beyondAscii = /[\u0080-\uffff]/;

/** How many bytes a text takes in UTF-8. A lone surrogate takes three, as what it is replaced by does. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  // Most texts are plain, and a search is several times as fast as the sum.
  if (!beyondAscii.test(text)) return bytes;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) continue;
    bytes += unit < 0x800 ? 1 : 2;
    // Of a pair, both units together take four.
    if (unit < 0xd800 || unit > 0xdbff) continue;
    const next = text.charCodeAt(at + 1);
    if (next < 0xdc00 || next > 0xdfff) continue;
    at += 1;
  }
  return bytes;
}

/** Whether a text has no more than so many bytes in UTF-8. A UTF-16 unit takes at most three. */
export function fits(text: string, bytesMax: number): boolean {
  return text.length * 3 <= bytesMax || new TextEncoder().encode(text).length <= bytesMax;
}
