/**
 * The likely meaning of a value with the wrong shape: a text in place of a list, a list in place of a map, one value in
 * place of a section. A candidate is proposed only if it fits in that place, so an operator can paste the hint.
 */
import { parse } from 'yaml';
import { isMap } from '../plain-map.ts';
import { flow } from '../yaml-text.ts';
import { routeOf } from './ip-route.ts';

/**
 * How far a value fits. good: nothing is wrong. shape: the shape is right, but values are wrong. none: the value does
 * not fit at all.
 */
export type Fit = 'good' | 'shape' | 'none';

export interface ConfigPlace {
  /** The schema's name of the type: `array`, `object`, `record`, `string`. */
  readonly expected: string;
  /** The value may be in block style. */
  readonly onOwnLine: boolean;
  readonly fit: (candidate: unknown) => Fit;
  /** The keys of the map in this place, or of the maps in the list; empty if the keys are free. */
  readonly keys: readonly string[];
}

/** The text to write in place of `value`; null if nothing that fits can be made of the value, or if it is too much. */
export function meant(value: unknown, place: ConfigPlace): string | null {
  const candidates = candidatesOf(value, place);
  const best =
    candidates.find((one) => place.fit(one.value) === 'good') ??
    shorthand(value, place) ??
    candidates.find((one) => place.expected === 'array' && place.fit(one.value) === 'shape');
  if (best === undefined) return null;
  return `${best.slip}write ${best.what}${best.block && place.onOwnLine ? block(best.value as object) : flow(best.value)}`;
}

interface Candidate {
  readonly value: unknown;
  /** A description of the slip, with a semicolon; empty if there is none. */
  readonly slip: string;
  readonly what: string;
  readonly block: boolean;
}

function candidate(value: unknown, { slip = '', what = '', block = false } = {}): Candidate {
  return { value, slip: slip === '' ? '' : `${slip}; `, what, block };
}

function candidatesOf(value: unknown, { expected, keys }: ConfigPlace): Candidate[] {
  if (expected === 'array') {
    const lists = typeof value === 'string' ? listsOfText(value) : isMap(value) ? listsOfMap(value) : [[value]];
    return typeof value === 'boolean' ? [] : lists.map((list) => candidate(list, { what: 'a list: ' }));
  }
  if (expected === 'string') {
    if (Array.isArray(value) && value.length === 1) return [candidate(value[0], { what: 'it without the brackets: ' })];
    if (!isMap(value) || Object.keys(value).length !== 1) return [];
    const slip = { slip: 'has a blank after the colon' };
    return [...pairs(value).map((pair) => candidate(pair, slip)), ...Object.values(value).map((one) => candidate(one))];
  }
  if (Array.isArray(value)) {
    const maps = value.flatMap((item) => (isMap(item) ? [item] : typeof item === 'string' ? assigned(item) : []));
    const isWhole = maps.length === value.length;
    return isWhole ? [candidate(Object.assign({}, ...maps), { slip: 'is a list', what: 'it without dashes: ' })] : [];
  }
  if (typeof value !== 'string') return [];
  return [
    ...keyAndValue(value, /(?:^|\s)([\w./-]+):(?=\S)/).map((map) =>
      candidate(map, { slip: 'lacks the blank after the colon', block: true }),
    ),
    ...assigned(value).map((map) => candidate(map, { slip: 'has = in place of a colon', block: true })),
    ...wordPairs(value, keys).map((map) => candidate(map, { slip: 'lacks its colons', block: true })),
    ...routeOf(value).map((route) => candidate(route, { slip: 'is a line of ip-route(8)' })),
  ];
}

/** Keys that take something away are never guessed: `probes: [routes]` hardly means `off: [routes]`. */
const TAKES_AWAY = ['off', 'without', 'ignore'];

/** The map that a value alone stands for, if exactly one key can be meant; also a list of such maps. */
function shorthand(value: unknown, { expected, keys, fit }: ConfigPlace): Candidate | undefined {
  const isList = expected === 'array';
  const what = isList ? 'a list: ' : '';
  const good = (one: unknown) => fit(one) === 'good';
  if (isList && isMap(value)) {
    const found = entryForms(value, keys).find(good);
    return found === undefined ? undefined : candidate(found, { what });
  }
  const words = typeof value === 'string' ? wordLists(value) : [];
  const forms = keys.flatMap((key) => {
    const found = (
      isList
        ? words.map((list) => list.map((word) => ({ [key]: word })))
        : [value, ...(Array.isArray(value) ? [] : [[value]])].map((one) => ({ [key]: one }))
    ).find(good);
    return found === undefined ? [] : [{ key, found }];
  });
  const [only] = forms;
  if (only === undefined || forms.length > 1 || TAKES_AWAY.includes(only.key)) return undefined;
  return candidate(only.found, { what });
}

/** In `10.1.0.0/16: 10.0.0.1` and `10.1.0.0/16: { via: 10.0.0.1 }` the name is the value of the first of `keys`. */
export function entryForms(map: Record<string, unknown>, keys: readonly string[]): object[][] {
  const entries = Object.entries(map);
  return keys.flatMap((key) => [
    ...(entries.every(([, rest]) => isMap(rest))
      ? [entries.map(([name, rest]) => ({ [key]: name, ...(rest as object) }))]
      : []),
    ...keys
      .filter((other) => other !== key)
      .map((other) => entries.map(([name, rest]) => ({ [key]: name, [other]: rest }))),
  ]);
}

function listsOfText(text: string): unknown[][] {
  return [...wordLists(text), [text], ...routeOf(text).map((route) => [route])];
}

function listsOfMap(map: Record<string, unknown>): unknown[][] {
  return [[map], pairs(map), Object.values(map)].filter((list) => list.length > 0);
}

/** `key = value`. */
function assigned(text: string): object[] {
  return keyAndValue(text, /(?:^|\s)([\w./-]+)\s*=\s*/);
}

/** `to 10.0.0.0/8 via 10.0.0.1`, of known keys. */
function wordPairs(text: string, keys: readonly string[]): object[] {
  const words = text.trim().split(/\s+/);
  if (words.length % 2 !== 0 || !words.every((word, index) => index % 2 === 1 || keys.includes(word))) return [];
  return keyAndValue(text, new RegExp(`(?:^|\\s)(${keys.join('|')})\\s+`));
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

/** `timeout:1`, or only the key if it has no value or is on; nothing if it is off, or holds several values. */
function pairs(map: object): string[] {
  return Object.entries(map)
    .filter(([, value]) => (value === null || typeof value !== 'object') && !/^(false|no|off)$/i.test(String(value)))
    .map(([key, value]) => (value === null || /^(true|yes|on)$/i.test(String(value)) ? key : `${key}:${value}`));
}

/** The maps that a text stands for, if each `separator` parts a key from its value. Values are read as YAML. */
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
