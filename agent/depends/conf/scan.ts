/** Addresses in a configuration file, with the line and the part that each plays there. */
import type { IpAddress } from '../../address/accepted.ts';
import { addressesIn } from '../found-addresses.ts';

/**
 * What an address is used for. `handed`: this host gives it to other hosts as their name server. `retired`: the file
 * only says that it is to be switched off, which is no dependence. `other`: the file names it in any other statement.
 */
export type Role = 'nameserver' | 'handed' | 'gateway' | 'time' | 'retired' | 'other';

export interface Mention {
  readonly address: IpAddress;
  /** From 1. */
  readonly line: number;
  readonly role: Role;
  /** The line without blanks around it, cut after 120 characters. */
  readonly text: string;
}

/** Which parts of a text give addresses a role: the first group of each match, or the whole match without a group. */
export type Regions = readonly (readonly [role: Role, pattern: RegExp])[];

/** How a kind of file is read. */
export interface Syntax {
  /** Matches a comment. Its characters count as blanks. */
  readonly comment: RegExp;
  readonly regions: Regions;
  /** Keys of YAML or JSON whose whole value has a role. */
  readonly keys?: Readonly<Record<string, Role>>;
}

/** `# …` at the beginning of a line or after a blank. */
export const HASH = /(?<=^|\s)#.*$/gm;
/** `# …` and `; …`. */
export const HASH_OR_SEMICOLON = /^[ \t]*[#;].*$/gm;

interface Range {
  readonly role: Role;
  readonly start: number;
  readonly end: number;
}

/** All addresses that the text names, in order. */
export function scan(text: string, syntax: Syntax): Mention[] {
  const { regions, keys } = syntax;
  const bare = withoutComments(text, syntax);
  const regional = regions.flatMap(([role, pattern]) => rangesOf(bare, role, pattern));
  const roleAt = roleFinder([...regional, ...valuesOf(bare, keys ?? {})]);
  const starts = lineStarts(bare);
  return addressesIn(bare).map(({ address, at }) => {
    const line = lineAt(starts, at);
    const whole = text.slice(starts[line - 1], starts[line] ?? text.length);
    return { address, line, role: roleAt(at) ?? 'other', text: whole.trim().slice(0, 120) };
  });
}

/** The text with blanks in place of comments: every other character stays where it is. */
export function withoutComments(text: string, { comment }: Syntax): string {
  return text.replace(comment, (match) => match.replace(/[^\n]/g, ' '));
}

/** Finds the line (from 1) of offsets. */
export function lineFinder(text: string): (offset: number) => number {
  let starts: readonly number[] | null = null;
  return (offset) => {
    starts ??= lineStarts(text);
    return lineAt(starts, offset);
  };
}

/** Finds the role of offsets that are asked in ascending order: of the ranges around an offset, the last begun decides. */
function roleFinder(ranges: readonly Range[]): (at: number) => Role | undefined {
  const waiting = ranges.toSorted((a, b) => b.start - a.start);
  const open: Range[] = [];
  return (at) => {
    while ((waiting.at(-1)?.start ?? Number.POSITIVE_INFINITY) <= at) open.push(waiting.pop()!);
    while ((open.at(-1)?.end ?? Number.POSITIVE_INFINITY) <= at) open.pop();
    return open.at(-1)?.role;
  };
}

function rangesOf(text: string, role: Role, pattern: RegExp): Range[] {
  return [...text.matchAll(pattern)].map((match) => {
    const value = match[1] ?? match[0];
    const start = match.index + match[0].lastIndexOf(value);
    return { role, start, end: start + value.length };
  });
}

/**
 * The values of these keys in YAML of any style. A value ends before the next line that is not indented more than its
 * key; items of a list may stand below the key.
 */
function valuesOf(text: string, keys: Readonly<Record<string, Role>>): Range[] {
  const ranges: Range[] = [];
  const open: (Range & { readonly indent: number })[] = [];
  const close = (from: number, indent: number, isItem: boolean) => {
    while (open.length > 0) {
      const last = open.at(-1)!;
      if (indent > last.indent || (isItem && indent === last.indent)) return;
      ranges.push({ ...last, end: from });
      open.pop();
    }
  };
  let at = 0;
  for (const line of text.split('\n')) {
    const [lead = ''] = /^[ \t]*/.exec(line) ?? [];
    if (line.trim() !== '') {
      close(at, lead.length, line[lead.length] === '-');
      for (const match of line.matchAll(KEY)) {
        const role = keys[match[1]!.toLowerCase()];
        // A flow mapping may hold several keys in one line: the value of a key lasts until the next key of the line.
        const start = at + match.index + match[0].length;
        if (role === undefined) continue;
        const within = /[{,]/.test(line.slice(lead.length, match.index));
        if (within) ranges.push({ role, start, end: at + endOfFlow(line, match.index + match[0].length) });
        else open.push({ role, start, end: start, indent: indentOf(line, lead.length) });
      }
    }
    at += line.length + 1;
  }
  close(text.length, -1, false);
  return ranges;
}

const KEY = /["']?([A-Za-z][\w-]*)["']?[ \t]*:(?=[ \t"'[{\d-]|$)/g;

/** The column of a key, behind the dashes of a list. */
function indentOf(line: string, lead: number): number {
  return lead + (/^(?:-[ \t]+)*/.exec(line.slice(lead))?.[0].length ?? 0);
}

/** Characters of one flow value that are looked at. */
const LONGEST_FLOW = 4096;

/** Where the flow value that begins at `from` ends: at the first comma or bracket of the outer level. */
function endOfFlow(line: string, from: number): number {
  let depth = 0;
  const limit = Math.min(line.length, from + LONGEST_FLOW);
  for (let at = from; at < limit; at += 1) {
    const sign = line[at]!;
    if ('[{'.includes(sign)) depth += 1;
    else if (']}'.includes(sign) && depth-- === 0) return at;
    else if (sign === ',' && depth === 0) return at;
  }
  return limit;
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

/** The line (from 1) of an offset. */
function lineAt(starts: readonly number[], offset: number): number {
  let [low, high] = [0, starts.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (starts[middle]! <= offset) low = middle;
    else high = middle;
  }
  return low + 1;
}
