/** JSON in ASCII alone: the same text in every encoding, and a double-quoted scalar of YAML. */
export function asciiJson(value: unknown, replacer?: (key: string, value: unknown) => unknown): string {
  const escaped = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(value, replacer).replace(/[\x7f-\uffff]/g, escaped);
}
