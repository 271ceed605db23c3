/**
 * The order of a name's addresses, the nearest first, from one measurement to the next. It must not flap: each change
 * rewrites resolv.conf and the hooks of every host that measures. So one that is nearer overtakes only where that is
 * clear and lasting; one that does not answer goes behind those that do at once.
 */

/** An address in its place. */
export interface Place {
  readonly address: string;
  /** Milliseconds that a connection took at the last measurement; null: it did not answer. */
  readonly time: number | null;
  /** Measurements running for which the name has not had this address. */
  readonly absent: number;
  /** Those before it that it was clearly nearer than, with how often running; never more than it needs. */
  readonly ahead: Readonly<Record<string, number>>;
  /** How often it fell silent lately; absent: never. Each time doubles the rounds that it needs to overtake again. */
  readonly falls?: number;
  /** Measurements running in which it answered, since it fell last; absent: it never fell. */
  readonly steady?: number;
}

/** Measurements running that one has to be clearly nearer to overtake another, unless it fell silent more than once. */
export const ROUNDS = 3;

/** Falls that are counted at most: 3 rounds, then 6, 12, 24, 48, 96. */
const MOST_FALLS = 6;

/** Measurements running in which it has to answer until its falls are forgotten. */
export const FORGIVEN_AFTER = 100;

/** A name server may give another few of many addresses each time: so many measurements running, then it is forgotten. */
export const FORGOTTEN_AFTER = 10;

/** What counts as clearly nearer: by a fifth, and by a millisecond. */
const SHARE = 0.8;
const MARGIN = 1;

/**
 * The order after a measurement in which at least one answered. `times`: of each address that was measured, in
 * milliseconds, null where it did not answer; `named`: those that the name has now.
 */
export function reorder(
  before: readonly Place[],
  times: ReadonlyMap<string, number | null>,
  named: ReadonlySet<string>,
): Place[] {
  const known = new Set(before.map(({ address }) => address));
  const stayed = before
    .filter(({ address }) => times.has(address))
    .map((place) => ({ ...place, absent: named.has(place.address) ? 0 : place.absent + 1 }))
    .filter(({ absent }) => absent < FORGOTTEN_AFTER);
  const newcomers = [...times.keys()]
    .filter((address) => !known.has(address))
    .map((address) => ({ address, time: times.get(address) ?? null, absent: 0, ahead: {} }))
    .sort(nearerFirst);
  const all: Place[] = [...stayed.map((place) => answered(place, times.get(place.address) ?? null)), ...newcomers];
  const counted = all.map((place, i) => ({ ...place, ahead: aheadOf(place, all.slice(0, i)) }));
  return [...overtaken(counted.filter(({ time }) => time !== null)), ...counted.filter(({ time }) => time === null)];
}

/** One that falls silent again and again is not to change the order each time that it is back. */
function answered({ falls = 0, steady = 0, ...place }: Place, time: number | null): Place {
  if (time === null) {
    const more = place.time === null ? falls : Math.min(falls + 1, MOST_FALLS);
    return { ...place, time, ...(more === 0 ? {} : { falls: more, steady: 0 }) };
  }
  return { ...place, time, ...(falls === 0 || steady + 1 >= FORGIVEN_AFTER ? {} : { falls, steady: steady + 1 }) };
}

/** Measurements running that it has to be clearly nearer to overtake another. */
function roundsOf({ falls = 0 }: Place): number {
  return ROUNDS * 2 ** Math.max(0, falls - 1);
}

function aheadOf(place: Place, before: readonly Place[]): Record<string, number> {
  const clear = before.filter((other) => clearlyNearer(place.time, other.time));
  return Object.fromEntries(
    clear.map(({ address }) => [address, Math.min((place.ahead[address] ?? 0) + 1, roundsOf(place))]),
  );
}

function clearlyNearer(time: number | null, other: number | null): boolean {
  return time !== null && other !== null && time <= other * SHARE && other - time >= MARGIN;
}

/** From the first place on: who stands there keeps it, unless some have earned it; then the nearest of those. */
function overtaken(places: readonly Place[]): Place[] {
  const waiting = [...places];
  const order: Place[] = [];
  while (waiting.length > 0) {
    const first = waiting[0] as Place;
    const earned = waiting.filter((place) => (place.ahead[first.address] ?? 0) >= roundsOf(place));
    const next = earned.sort(nearerFirst)[0] ?? first;
    order.push(next);
    waiting.splice(waiting.indexOf(next), 1);
  }
  return order;
}

function nearerFirst(a: Place, b: Place): number {
  const far = ({ time }: Place) => time ?? Number.POSITIVE_INFINITY;
  return far(a) === far(b) ? compareText(a.address, b.address) : far(a) - far(b);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
