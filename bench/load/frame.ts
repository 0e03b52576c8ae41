const mask = [0x37, 0xfa, 0x21, 0x3d] as const;

/** Frames an ASCII message as a client must: masked (RFC 6455, section 5.3). The mask is fixed; no server can tell. */
export function maskedFrame(text: string): Buffer {
  const header = text.length < 126 ? 6 : 8;
  const frame = Buffer.allocUnsafe(header + text.length);
  frame[0] = 0x81;
  if (header === 6) {
    frame[1] = 0x80 | text.length;
  } else {
    frame[1] = 0x80 | 126;
    frame.writeUInt16BE(text.length, 2);
  }
  frame.set(mask, header - 4);
  frame.write(text, header, "latin1");
  for (let at = 0; at < text.length; at++) {
    (frame[header + at] as number) ^= mask[at & 3] as number;
  }
  return frame;
}

/** Frames an ASCII message as two bytes of length and the text. */
export function lengthFrame(text: string): Buffer {
  const frame = Buffer.allocUnsafe(2 + text.length);
  frame.writeUInt16BE(text.length, 0);
  frame.write(text, 2, "latin1");
  return frame;
}
