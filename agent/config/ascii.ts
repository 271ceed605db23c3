/** JSON in ASCII only: the same bytes in every encoding, and valid as a double-quoted scalar of YAML. */
export function asciiJson(value: unknown, replacer?: (key: string, value: unknown) => unknown): string {
  return escapeNonAscii(JSON.stringify(value, replacer));
}

/** Replaces characters beyond ASCII by escapes such as `\u20ac`. */
export function escapeNonAscii(text: string): string {
  return text.replace(/[\x7f-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
