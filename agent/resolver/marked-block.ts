/** Our lines between two marks in a shared file. All other text in the file stays as it is, byte for byte. */

const BEGIN = '# BEGIN holdfast\n';
const END = '# END holdfast\n';

/** The innermost pair of marks. A single mark belongs to the file's author. */
const BLOCK = new RegExp(`^${BEGIN}(?:(?!${BEGIN})[^])*?^${END}`, 'm');

/** The text above our block and below it; null if there is no block. */
export function findBlock(text: string): { readonly before: string; readonly after: string } | null {
  const block = BLOCK.exec(text);
  if (block === null) return null;
  return { before: text.slice(0, block.index), after: text.slice(block.index + block[0].length) };
}

/** Lines, each with its line break, between the marks. */
export function marked(lines: string): string {
  return BEGIN + lines + END;
}

/** A file that a shell sources, with our lines in their present place or at its end; null if there was no file. */
export function placeInShell(current: string | null, lines: string): string {
  if (current === null) return `#!/bin/sh\n${marked(lines)}`;
  const { before, after } = findBlock(current) ?? { before: wholeLines(current), after: '' };
  return before + marked(lines) + after;
}

/** The file without our lines; null if nothing else is in it. */
export function removeFromShell(current: string): string | null {
  const { before, after } = findBlock(current) ?? { before: current, after: '' };
  return before + after === '#!/bin/sh\n' ? null : before + after;
}

function wholeLines(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}
