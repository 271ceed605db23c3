/** Reads and checks the values in OTLP's JSON: texts must be well-formed Unicode, numbers finite, lists lists. */
import { isUtf8 } from 'node:buffer';
import { cut, LIMITS, MalformedRequest, type OtlpAttributes, TooMany, withoutZero } from './otlp.ts';

export type Json = Record<string, unknown>;

/** The character in place of bytes that are not UTF-8. */
const REPLACEMENT = '\ufffd';
/**
 * The most levels of brackets in a request, far more than OTLP has. A value that is nested too deep loses only its own
 * record.
 */
const MOST_LEVELS = 1_000;
/** The most bytes of a request, and the most brackets, commas and colons of its structure. */
const LONGEST = 8 * 1024 * 1024;
const MOST_MARKS = 1_000_000;
/** The most marks if a text is not UTF-8, because each value is then looked at once more. */
const MOST_MARKS_ILL_FORMED = 100_000;
/** The most fields of one object. OTLP's have at most 15, because it writes maps as lists. */
const MOST_FIELDS = 64;
const [QUOTE, BACKSLASH, BRACKET, BRACE, COMMA, COLON] = [0x22, 0x5c, 0x5b, 0x7b, 0x2c, 0x3a];

/** Throws MalformedRequest. Texts with bytes that are not UTF-8 are refused later, when they are read. */
export function parse(body: Buffer): Json {
  if (body.length > LONGEST) throw new TooMany(`JSON of more than ${LONGEST} bytes: send fewer, or protobuf`);
  const whole = isUtf8(body);
  checkStructure(body, whole ? MOST_MARKS : MOST_MARKS_ILL_FORMED);
  try {
    return object(JSON.parse(body.toString(), whole ? undefined : markIllFormed));
  } catch (error) {
    if (error instanceof MalformedRequest) throw error;
    throw notJson(cut((error as Error).message.toWellFormed(), 200));
  }
}

/**
 * Checks the body before parsing, because JSON.parse cannot be interrupted. A mark costs it 0.3 µs, a new name of a
 * field 1 µs, and brackets alone a hundred times their size in memory. Throws MalformedRequest.
 */
function checkStructure(body: Buffer, mostMarks: number): void {
  /** The number of fields so far in the object at each level. */
  const fields = new Uint8Array(MOST_LEVELS + 1);
  let level = 0;
  let marks = 0;
  for (let at = 0; at < body.length; at += 1) {
    const byte = body[at];
    if (byte === QUOTE) {
      for (at += 1; at < body.length && body[at] !== QUOTE; at += 1) if (body[at] === BACKSLASH) at += 1;
    } else if (byte === COMMA || byte === COLON || byte === BRACKET || byte === BRACE) {
      marks += 1;
      if (marks > mostMarks) throw new TooMany(`JSON of more than ${mostMarks} values: send fewer, or protobuf`);
      if (byte === COLON) {
        fields[level]! += 1;
        if (fields[level]! > MOST_FIELDS) throw notJson(`an object with more than ${MOST_FIELDS} fields`);
      } else if (byte !== COMMA) {
        level += 1;
        if (level > MOST_LEVELS) throw notJson(`more than ${MOST_LEVELS} levels`);
        fields[level] = 0;
      }
    } else if (byte === BRACKET + 2 || byte === BRACE + 2) level = Math.max(0, level - 1);
  }
}

function notJson(why: string): MalformedRequest {
  return new MalformedRequest(`not OTLP as JSON: ${why}`);
}

/** Puts half a surrogate pair in place of bytes that are not UTF-8, so that `wellFormed` refuses the text. */
function markIllFormed(_name: string, value: unknown): unknown {
  return typeof value === 'string' && value.includes(REPLACEMENT) ? '\ud800' : value;
}

/**
 * The text without zero characters. Throws MalformedRequest for half a surrogate pair, because such a text cannot be
 * stored.
 */
function wellFormed(text: string): string {
  if (!text.isWellFormed()) throw new MalformedRequest('a text that is not well-formed Unicode');
  return withoutZero(text);
}

/** A field by its lowerCamelCase name; also finds the snake_case spelling. */
export function jsonField(one: Json, name: string): unknown {
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
export function attributesOf(value: unknown): OtlpAttributes {
  const pairs = jsonList(value);
  if (pairs.length > LIMITS.attributes) throw new MalformedRequest(`more than ${LIMITS.attributes} attributes`);
  const all: Record<string, string | number | boolean> = Object.create(null);
  for (const pair of pairs) all[cut(textOf(pair.key), LIMITS.attributeKey)] = scalar(pair.value);
  return all;
}

/** An AnyValue, of at most so many characters. Lists and maps are kept as JSON text. Throws MalformedRequest. */
export function scalar(value: unknown, longest: number = LIMITS.attributeValue): string | number | boolean {
  const any = record(value);
  const text = jsonField(any, 'stringValue');
  const bool = jsonField(any, 'boolValue');
  if (typeof text === 'string') return cut(wellFormed(text), longest);
  if (typeof bool === 'boolean') return bool;
  const numeric = jsonField(any, 'intValue') ?? jsonField(any, 'doubleValue');
  const number = finiteOf(numeric);
  if (number !== null) return number;
  const other =
    jsonField(any, 'bytesValue') ??
    jsonField(any, 'arrayValue') ??
    jsonField(any, 'kvlistValue') ??
    numeric ??
    text ??
    '';
  if (typeof other !== 'object') return cut(wellFormed(String(other)), longest);
  if (deeperThan(other, 3 * LIMITS.depth)) throw new MalformedRequest(`values nested more than ${LIMITS.depth} deep`);
  // JSON.stringify escapes half a surrogate pair, so this text is always well-formed.
  return cut(JSON.stringify(other), longest);
}

function deeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => deeperThan(inner, levels - 1));
}

/** Milliseconds from nanoseconds in unsigned 64 bits; 0 if missing, malformed, or too large to store. */
export function timeOf(value: unknown): number {
  const time = finiteOf(value);
  return time === null || time < 0 || time >= 2 ** 64 ? 0 : Math.round(time / 1e6);
}

/** null if it is not a finite number. */
export function finiteOf(value: unknown): number | null {
  const number = typeof value === 'string' && /^[-+.0-9eE]{1,40}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : null;
}

/** '' if missing. Throws MalformedRequest. */
export function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw new MalformedRequest('a name that is not a text');
  return wellFormed(value);
}

/** Throws MalformedRequest. */
export function jsonList(value: unknown): Json[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new MalformedRequest('a list was expected');
  return value.map(object);
}

/** A list in a field that may be missing. Throws MalformedRequest. */
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
