/**
 * Slips that YAML takes for something else: a list without its commas, a missing blank, a list in place of a map. What was
 * meant is proposed only if it fits when it is put in that place, so that a hint can be pasted.
 */
import { parse } from 'yaml';
import { flow } from './yaml-text.ts';

/** How far a value fits: nothing is wrong with it; it has the right shape, with values that are wrong; not at all. */
export type Fit = 'good' | 'shape' | 'none';

/** What to write in place of `value`; null: nothing that fits can be made of it. `onOwnLine`: it may be block style. */
export function meant(
  expected: string,
  value: unknown,
  fit: (candidate: unknown) => Fit,
  onOwnLine: boolean,
): string | null {
  const candidates = candidatesOf(expected, value);
  const found = ['good', 'shape'].flatMap((wanted) => candidates.find(({ value: one }) => fit(one) === wanted) ?? []);
  const [best] = found;
  if (best === undefined) return null;
  return `${best.slip}write ${best.what}${best.block && onOwnLine ? block(best.value as object) : flow(best.value)}`;
}

interface Candidate {
  readonly value: unknown;
  /** What went wrong, with a semicolon; or nothing. */
  readonly slip: string;
  readonly what: string;
  readonly block: boolean;
}

function candidatesOf(expected: string, value: unknown): Candidate[] {
  const one = (candidate: unknown, { slip = '', what = '', block = false } = {}): Candidate => {
    return { value: candidate, slip: slip === '' ? '' : `${slip}; `, what, block };
  };
  if (expected === 'array') {
    const what = 'a list: ';
    if (typeof value === 'string') {
      const words = wordLists(value);
      const maps = [...words.map((list) => list.map((path) => ({ path }))), ...ipRoute(value).map((route) => [route])];
      return [...words, [value], ...maps].map((list) => one(list, { what }));
    }
    if (isMap(value)) return [[value], pairs(value), Object.values(value)].map((list) => one(list, { what }));
    return [one([value], { what })];
  }
  if (expected === 'string') {
    if (isMap(value))
      return pairs(value).length === 1 ? [one(pairs(value)[0], { slip: 'has a blank after the colon' })] : [];
    return Array.isArray(value) && value.length === 1 ? [one(value[0], { what: 'it without the brackets: ' })] : [];
  }
  if (Array.isArray(value)) {
    const maps = value.flatMap((item) => (isMap(item) ? [item] : typeof item === 'string' ? assigned(item) : []));
    return maps.length === value.length
      ? [one(Object.assign({}, ...maps), { slip: 'is a list', what: 'it without dashes: ' })]
      : [];
  }
  if (typeof value !== 'string') return [];
  return [
    one({ path: value }),
    ...keyAndValue(value, /(?:^|\s)([\w./-]+):(?=\S)/).map((map) =>
      one(map, { slip: 'lacks the blank after the colon', block: true }),
    ),
    ...assigned(value).map((map) => one(map, { slip: 'has = in place of a colon', block: true })),
    ...ipRoute(value).map((route) => one(route, { slip: 'is a line of ip-route(8)' })),
  ];
}

/** `key = value`. */
function assigned(text: string): object[] {
  return keyAndValue(text, /(?:^|\s)([\w./-]+)\s*=\s*/);
}

/** `default via 10.0.0.1 dev eth0`: the route that ip-route(8) takes it for. */
function ipRoute(text: string): object[] {
  const [to, ...rest] = text.trim().split(/\s+/);
  const pairs = rest.flatMap((word, index) => (index % 2 === 0 ? [[word, rest[index + 1]] as const] : []));
  const known = pairs.every(([word, value]) => (word === 'via' || word === 'dev') && value !== undefined);
  return pairs.length > 0 && known ? [{ to, ...Object.fromEntries(pairs) }] : [];
}

/** Keywords of resolv.conf(5), copied with their values. */
const KEYWORDS = /^\s*(?:nameservers?|search|domain|options|sortlist)\s+/;

/** `10.0.0.1 10.0.0.2`, `10.0.0.1, 10.0.0.2`, `[10.0.0.1]` in quotes, `-10.0.0.1 -10.0.0.2`. */
function wordLists(text: string): string[][] {
  const words = text
    .replace(/^\s*\[(.*)\]\s*$/s, '$1')
    .replace(KEYWORDS, '')
    .replace(/\b(ndots|timeout|attempts)[\s=]+(?=\d)/g, '$1:')
    .split(/[\s,;]+/)
    .map((word) => word.replace(/^(['"])(.*)\1$/, '$2'))
    .filter((word) => !/^(?:[\u2013\u2014-]?|and|&)$/.test(word));
  const dashes = words.every((word) => /^[\u2013\u2014-]/.test(word));
  return words.length === 0 ? [] : dashes ? [words.map((word) => word.slice(1)), words] : [words];
}

/** `timeout:1`, or the key only where it has no value or is on; nothing where it is off. */
function pairs(map: object): string[] {
  return Object.entries(map)
    .filter(([, value]) => !/^(false|no|off)$/i.test(String(value)))
    .map(([key, value]) => (value === null || /^(true|yes|on)$/i.test(String(value)) ? key : `${key}:${value}`));
}

/** The maps that a text is if each `separator` parts a key from its value; values are read as YAML. */
function keyAndValue(text: string, separator: RegExp): object[] {
  const [before = '', ...rest] = text.split(separator);
  if (before.trim() !== '' || rest.length === 0) return [];
  try {
    return [
      Object.fromEntries(Array.from({ length: rest.length / 2 }, (_, n) => [rest[2 * n], parse(rest[2 * n + 1]!)])),
    ];
  } catch {
    return [];
  }
}

function block(map: object): string {
  const entries = Object.entries(map);
  return entries.length === 1 ? `${entries[0]![0]}: ${flow(entries[0]![1])}` : flow(map);
}

function isMap(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** Typographic quotation marks, single, double and angle, at either end. Escaped: the executable's chunks are ASCII. */
const OUTER_QUOTES = /^[\u2018-\u201f\u00ab\u00bb\u2039\u203a]+|[\u2018-\u201f\u00ab\u00bb\u2039\u203a]+$/g;

/** What is wrong with a text that was copied from a page or a word processor, or nothing. Without quotes of YAML around it. */
export function typographyProblem(text: string): string | undefined {
  const blank = /[\u00a0\u2000-\u200b\u202f\u205f\u3000\ufeff]/.exec(text)?.[0];
  if (blank !== undefined) {
    const code = blank.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
    return `has a blank that is none for YAML (U+${code}, as web pages have it); write a plain blank there`;
  }
  const bare = text.replace(OUTER_QUOTES, '');
  return bare === text ? undefined : `has typographic quotes; write ${flow(bare)}`;
}

/** What is wrong with a line that YAML cannot read, or nothing. */
export function lineProblem(line: string): string | undefined {
  const [, key, rest] = /^\s*(?:- )?([A-Za-z][\w-]*):([^\s:/].*)$/.exec(line) ?? [];
  if (key !== undefined) return `lacks the blank after the colon; write ${key}: ${rest}`;
  const [, word] = /^\s*(?:- )?([A-Za-z][\w-]*)\s*[;=]\s*$/.exec(line) ?? [];
  if (word !== undefined) return `lacks its colon; write ${word}:`;
  const [, setting, value] = /^\s*(?:- )?([A-Za-z][\w./-]*)\s*=\s*(.+)$/.exec(line) ?? [];
  return setting === undefined ? undefined : `has = in place of a colon; write ${setting}: ${value}`;
}
