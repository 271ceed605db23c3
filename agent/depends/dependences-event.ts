/** The body of the event `holdfast.dependences`, within its bound. */
import type { Dependence, ToldDependences, Unseen } from './dependence.ts';

/** Bytes of JSON. */
export const LARGEST_BODY = 32 * 1024;
/** Characters of one text, so that a single file with long lines does not push out everything else. */
const LONGEST_TEXT = 300;

/**
 * The JSON of what was found, at most LARGEST_BODY bytes. If there are too many dependences, those on one address in one
 * tense and source become one. What still does not fit is left out and counted in `cut`. Unseen places come first:
 * without them an answer would look complete.
 */
export function bodyOf(told: Omit<ToldDependences, 'cut'>): string {
  const whole = fitted(told, told.found);
  return whole.cut === 0 ? whole.body : fitted(told, joined(told.found)).body;
}

function fitted({ unseen, longestLease }: Omit<ToldDependences, 'cut'>, found: readonly Dependence[]) {
  const kept: { found: Dependence[]; unseen: Unseen[] } = { found: [], unseen: [] };
  // Room for the rest of the object.
  let left = LARGEST_BODY - 200;
  let cut = 0;
  const add = <T extends Dependence | Unseen>(list: T[], one: T) => {
    const short = shortened(one);
    const size = Buffer.byteLength(JSON.stringify(short)) + 1;
    if (size > left) cut += 1;
    else {
      left -= size;
      list.push(short);
    }
  };
  for (const one of unseen) add(kept.unseen, one);
  for (const one of found) add(kept.found, one);
  return { body: JSON.stringify({ ...kept, longestLease, cut }), cut };
}

/** A host with hundreds of containers has as many copies of one resolv.conf. The first of them stands for all. */
function joined(found: readonly Dependence[]): Dependence[] {
  const groups = Map.groupBy(found, ({ address, tense, source }) => `${address} ${tense} ${source}`);
  return [...groups.values()].map(([first, ...more]) =>
    more.length === 0 ? first! : { ...first!, who: `${first!.who}, and ${more.length} more` },
  );
}

function shortened<T extends Dependence | Unseen>(one: T): T {
  const texts = Object.entries(one).map(([key, text]) => {
    return [key, text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT - 1)}…` : text];
  });
  return Object.fromEntries(texts) as T;
}
