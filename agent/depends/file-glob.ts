/**
 * Patterns of file names, as glob(7) has them: `*`, `?`, `[a-z]`. Whoever writes a container's files may write hostile
 * patterns, so the time grows only with the length of the pattern times that of the name.
 */

type Part = '*' | ((character: string) => boolean);

export function isGlob(text: string): boolean {
  return /[*?[]/.test(text);
}

/** Whether one name (without slashes) matches. A leading dot must be written. */
export function matchesName(glob: string, name: string): boolean {
  if (name.startsWith('.') && !glob.startsWith('.')) return false;
  const parts = partsOf(glob);
  let [part, at] = [0, 0];
  // After the last `*`: where the parts go on, and the first character that the `*` does not yet stand for.
  let star: { readonly part: number; at: number } | null = null;
  while (at < name.length) {
    const one = parts[part];
    if (one === '*') star = { part: ++part, at };
    else if (one?.(name[at]!)) [part, at] = [part + 1, at + 1];
    else if (star !== null) [part, at] = [star.part, ++star.at];
    else return false;
  }
  return parts.slice(part).every((one) => one === '*');
}

function partsOf(glob: string): Part[] {
  return [...glob.matchAll(/\[[!^]?\]?[^\]]*\]|[\s\S]/g)].map(([text]): Part => {
    if (text === '*') return '*';
    if (text === '?') return () => true;
    if (text.length === 1) return (character) => character === text;
    const [, not, members] = /^\[([!^]?)([\s\S]*)\]$/.exec(text)!;
    return (character) => isMember(members!, character) === (not === '');
  });
}

/** `a-z_`: ranges and single characters. */
function isMember(members: string, character: string): boolean {
  for (let at = 0; at < members.length; at += 1) {
    const last = members[at + 1] === '-' && at + 2 < members.length ? members[at + 2]! : members[at]!;
    if (members[at]! <= character && character <= last) return true;
    if (members[at + 1] === '-' && at + 2 < members.length) at += 2;
  }
  return false;
}
