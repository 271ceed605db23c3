/** JSON in ASCII alone: the same text in every encoding, and a double-quoted scalar of YAML. */
export function asciiJson(value: unknown, replacer?: (key: string, value: unknown) => unknown): string {
  return escapeNonAscii(JSON.stringify(value, replacer));
}

/** What is beyond ASCII as `\u20ac`. */
export function escapeNonAscii(text: string): string {
  return text.replace(/[\x7f-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
