/** The values in OTLP's JSON, each checked: a text is well-formed Unicode, a number finite, a list a list. */
import { isUtf8 } from 'node:buffer';
import { type Attributes, cut, LIMITS, MalformedRequest, withoutZero } from './otlp.ts';

export type Json = Record<string, unknown>;

/** What stands in for bytes that are not UTF-8. */
const REPLACEMENT = '\ufffd';

/** Throws MalformedRequest. In a body with bytes that are not UTF-8, the texts that had them are refused when they are read. */
export function parse(body: Buffer): Json {
  const whole = isUtf8(body);
  try {
    return object(JSON.parse(body.toString(), whole ? undefined : markIllFormed));
  } catch (error) {
    if (error instanceof MalformedRequest) throw error;
    throw new MalformedRequest(`not OTLP as JSON: ${cut((error as Error).message.toWellFormed(), 200)}`);
  }
}

/** Half a surrogate pair, at which `wellFormed` refuses the text, takes the place of what was no UTF-8. */
function markIllFormed(_name: string, value: unknown): unknown {
  return typeof value === 'string' ? value.replaceAll(REPLACEMENT, '\ud800') : value;
}

/** The text, without zero characters. Throws MalformedRequest where it holds half of a surrogate pair: such a text cannot be stored. */
function wellFormed(text: string): string {
  if (!text.isWellFormed()) throw new MalformedRequest('a text that is not well-formed Unicode');
  return withoutZero(text);
}

/** A field by its name in lowerCamelCase, also where it is written in snake_case. */
export function field(one: Json, name: string): unknown {
  return one[name] ?? one[snake(name)] ?? undefined;
}

const SNAKES = new Map<string, string>();

function snake(name: string): string {
  let made = SNAKES.get(name);
  if (made === undefined) {
    made = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    SNAKES.set(name, made);
  }
  return made;
}

/** Throws MalformedRequest. */
export function attributesOf(value: unknown): Attributes {
  const pairs = list(value);
  if (pairs.length > LIMITS.attributes) throw new MalformedRequest(`more than ${LIMITS.attributes} attributes`);
  const all: Record<string, string | number | boolean> = Object.create(null);
  for (const pair of pairs) all[cut(textOf(pair.key), LIMITS.attributeKey)] = scalar(pair.value);
  return all;
}

/** An AnyValue; a list or a map is kept as it was written, as JSON. Throws MalformedRequest. */
export function scalar(value: unknown): string | number | boolean {
  const any = record(value);
  const text = field(any, 'stringValue');
  const bool = field(any, 'boolValue');
  if (typeof text === 'string') return cut(wellFormed(text), LIMITS.attributeValue);
  if (typeof bool === 'boolean') return bool;
  const numeric = field(any, 'intValue') ?? field(any, 'doubleValue');
  const number = finiteOf(numeric);
  if (number !== null) return number;
  const other =
    field(any, 'bytesValue') ?? field(any, 'arrayValue') ?? field(any, 'kvlistValue') ?? numeric ?? text ?? '';
  if (typeof other !== 'object') return cut(wellFormed(String(other)), LIMITS.attributeValue);
  if (deeperThan(other, 3 * LIMITS.depth)) throw new MalformedRequest(`values nested more than ${LIMITS.depth} deep`);
  // JSON.stringify writes half a surrogate pair as an escape, so the text is well-formed whatever is in it.
  return cut(JSON.stringify(other), LIMITS.attributeValue);
}

function deeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => deeperThan(inner, levels - 1));
}

/** Milliseconds, of nanoseconds in 64 bits without a sign; 0: none is given, or none that is one. A larger number could not be stored. */
export function timeOf(value: unknown): number {
  const time = finiteOf(value);
  return time === null || time < 0 || time >= 2 ** 64 ? 0 : Math.round(time / 1e6);
}

/** null: not a finite number. */
export function finiteOf(value: unknown): number | null {
  const number = typeof value === 'string' && /^[-+.0-9eE]{1,40}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : null;
}

/** '' where there is none. Throws MalformedRequest. */
export function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw new MalformedRequest('a name that is not a text');
  return wellFormed(value);
}

/** Throws MalformedRequest. */
export function list(value: unknown): Json[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new MalformedRequest('a list was expected');
  return value.map(object);
}

/** Of a field that may be missing. Throws MalformedRequest. */
export function record(value: unknown): Json {
  return value === undefined || value === null ? {} : object(value);
}

/** Throws MalformedRequest. */
export function object(value: unknown): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new MalformedRequest('an object was expected');
  }
  return value as Json;
}
