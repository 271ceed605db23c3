/**
 * Edits of a keyfile (nm-settings-keyfile(5)), which is a GKeyFile. Only the lines of the given keys change. If
 * NetworkManager itself saved the file, it would leave out comments and sort the keys.
 */

export interface ProfileKey {
  readonly section: string;
  readonly key: string;
  readonly value: string;
}

/** `text` is latin1. A key that occurs twice keeps only one line: GKeyFile takes the last. */
export function withKeys(text: string, keys: readonly ProfileKey[]): string {
  return keys.reduce(withKey, text);
}

function withKey(text: string, { section, key, value }: ProfileKey): string {
  const lines = text.split('\n');
  const wanted = `${key}=${value}`;
  let current: string | null = null;
  const own = lines.flatMap((line, at) => {
    current = sectionOf(line) ?? current;
    return current === section ? [{ line, at }] : [];
  });
  if (own.length === 0) {
    const before = text === '' || text.endsWith('\n') ? text : `${text}\n`;
    return `${before}\n[${section}]\n${wanted}\n`;
  }
  const present = own.filter(({ line }) => keyOf(line) === key);
  const last = present.at(-1);
  if (last !== undefined && valueIn(last.line) === value && present.length === 1) return text;
  const others = lines.map((line, at) => (present.some((one) => one.at === at) ? null : line));
  // After the section's last key, so that the blank line before the next section stays where it is.
  const place = last?.at ?? own.findLast(({ line }) => line.trim() !== '')!.at;
  others[place] = last === undefined ? `${lines[place]}\n${wanted}` : wanted;
  return others.filter((line) => line !== null).join('\n');
}

function sectionOf(line: string): string | null {
  return /^\s*\[([^\]]+)\]\s*$/.exec(line)?.[1] ?? null;
}

function keyOf(line: string): string | null {
  return /^\s*([^#=\s[][^=]*?)\s*=/.exec(line)?.[1] ?? null;
}

function valueIn(line: string): string {
  return line.slice(line.indexOf('=') + 1).trim();
}
