/**
 * The parameters of an API address. Unknown and malformed parameters are refused, because ignoring them would hide a
 * mistake.
 */
import { didYouMean } from '../../config/hints/suggest.ts';
import { Refused } from '../admission/body.ts';
import { cut } from '../wire/otlp.ts';

/** Throws Refused (400) for an unknown parameter, and for a repeated parameter that is not in `many`. */
export function onlyThese(parameters: URLSearchParams, names: readonly string[], many: readonly string[] = []): void {
  for (const name of new Set(parameters.keys())) {
    if (!names.includes(name)) {
      throw new Refused(400, `no parameter "${cut(name, 50)}" here${didYouMean(name, names)}`);
    }
    if (!many.includes(name) && parameters.getAll(name).length > 1) throw new Refused(400, `"${name}" is given twice`);
  }
}

/** A whole number up to `most`; `otherwise` if missing. Throws Refused (400). */
export function wholeNumber(parameters: URLSearchParams, name: string, otherwise: number, most: number): number {
  const text = parameters.get(name) ?? '';
  if (text === '') return otherwise;
  if (!/^\d{1,16}$/.test(text)) throw new Refused(400, `"${name}" is not a whole number: ${cut(text, 50)}`);
  return Math.min(Number(text), most);
}

/** `NAME:VALUE`. Throws Refused (400). */
export function labelsIn(parameters: URLSearchParams): [name: string, value: string][] {
  const given = parameters.getAll('label').filter((label) => label !== '');
  return given.map((label) => {
    const colon = label.indexOf(':');
    if (colon < 1) throw new Refused(400, `"label" is not NAME:VALUE: ${cut(label, 50)}`);
    return [label.slice(0, colon), label.slice(colon + 1)];
  });
}

/** The place of an event in the list: `before` is its time, `beforeId` its id if given. Throws Refused (400). */
export function cursorIn(parameters: URLSearchParams): { time: number; id: number | null } {
  const time = wholeNumber(parameters, 'before', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  const id = wholeNumber(parameters, 'beforeId', -1, Number.MAX_SAFE_INTEGER);
  if (id >= 0 && !parameters.get('before')) throw new Refused(400, '"beforeId" needs "before"');
  return { time, id: id < 0 ? null : id };
}
