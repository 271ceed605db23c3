/**
 * What a host tells of its dependences: the body of the event `holdfast.dependences`. It comes from a host, so it is
 * checked and bounded: a malformed body is refused whole.
 */
import { type Dependence, TENSES, type Tense, type ToldDependences, type Unseen } from '../../depends/dependence.ts';
import { cut, LIMITS, MalformedRequest, withoutZero } from '../wire/otlp.ts';
import { addressValue } from './address-value.ts';

/** The dependences of one host as it told them last. Addresses are in the form of `addressValue`. */
export interface Told extends ToldDependences {
  /** When the event arrived, in milliseconds since the epoch by our clock. */
  readonly arrived: number;
  /** The characters of the body. */
  readonly length: number;
}

/** The most characters of one text. Longer texts are cut. */
const LONGEST = 500;
/** The most dependences and unseen places of one host. Bodies of Holdfast have at most about 300. */
const MOST = 500;

/** Throws MalformedRequest, with a sentence for the sender. */
export function readTold(body: string, arrived: number): Told {
  if (body.length > LIMITS.longBody) throw malformed(`longer than ${LIMITS.longBody} characters`);
  const { found, unseen, longestLease, cut: left } = object(parsed(body));
  if (longestLease !== null && !(isNumber(longestLease) && longestLease >= 0)) throw malformed('longestLease');
  if (!isNumber(left) || !Number.isSafeInteger(left) || left < 0) throw malformed('cut');
  return {
    arrived,
    length: body.length,
    found: list(found, 'found').map((one) => intern(dependence(object(one)))),
    unseen: list(unseen, 'unseen').map((one) => place(object(one))),
    longestLease,
    cut: left,
  };
}

/** The body that `readTold` reads as the same. */
export function writeTold({ found, unseen, longestLease, cut: left }: Told): string {
  return JSON.stringify({ found, unseen, longestLease, cut: left });
}

function dependence(one: Record<string, unknown>): Dependence {
  const address = addressValue(text(one, 'address'));
  if (address === null) throw malformed('an address that is none');
  const { tense, source } = place(one);
  return { address, tense, source, who: text(one, 'who'), where: text(one, 'where'), ...why(one) };
}

function why(one: Record<string, unknown>): { reason: string; cure: string } {
  return { reason: text(one, 'reason'), cure: text(one, 'cure') };
}

function place(one: Record<string, unknown>): Unseen {
  const tense = TENSES.find((known) => known === one.tense);
  if (tense === undefined) throw malformed('a tense that is unknown here');
  return { tense: tense satisfies Tense, source: text(one, 'source'), reason: text(one, 'reason') };
}

function text(one: Record<string, unknown>, name: string): string {
  const value = one[name];
  if (typeof value !== 'string') throw malformed(`${name} is no text`);
  return cut(withoutZero(value.toWellFormed()), LONGEST);
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw malformed('no JSON');
  }
}

function list(value: unknown, name: string): unknown[] {
  if (!Array.isArray(value)) throw malformed(`${name} is no list`);
  if (value.length > MOST) throw malformed(`${name} has more than ${MOST} entries`);
  return value;
}

function object(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed('an object was expected');
  return value as Record<string, unknown>;
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function malformed(what: string): MalformedRequest {
  return new MalformedRequest(`holdfast.dependences cannot be read: ${what}`);
}

/** Equal dependences of all hosts, so that a fleet of equal hosts holds each only once. */
const shared = new Map<string, WeakRef<Dependence>>();
const unused = new FinalizationRegistry((key: string) => {
  if (shared.get(key)?.deref() === undefined) shared.delete(key);
});

function intern(one: Dependence): Dependence {
  const key = JSON.stringify(one);
  const known = shared.get(key)?.deref();
  if (known !== undefined) return known;
  shared.set(key, new WeakRef(one));
  unused.register(one, key);
  return one;
}
