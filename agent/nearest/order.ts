/**
 * The order of a name's addresses, the nearest first, from one measurement to the next. The order must not flap,
 * because each change rewrites resolv.conf and the hooks. A nearer address overtakes only if the difference is clear
 * and lasting. A silent address goes behind those that answer at once.
 */
import type { IpAddress } from '../address/accepted.ts';

/** An address in its place. */
export interface AddressPlace {
  readonly address: IpAddress;
  /** Milliseconds of a connection at the last measurement; null if the address did not answer. */
  readonly time: number | null;
  /** Measurements in a row in which the name did not have this address. */
  readonly absent: number;
  /**
   * Addresses further ahead. The number says how often in a row this address was clearly nearer, up to the number of
   * rounds needed.
   */
  readonly ahead: Readonly<Record<string, number>>;
  /** How often it fell silent lately; absent if never. Each time doubles the rounds that it needs to overtake again. */
  readonly falls?: number;
  /** Measurements in a row with an answer since it last fell silent; absent if it never did. */
  readonly steady?: number;
}

/**
 * Measurements in a row in which an address must be clearly nearer to overtake, unless it fell silent more than once.
 */
export const ROUNDS = 3;

/** The most silences that are counted: 3 rounds, then 6, 12, 24, 48, 96. */
const MOST_FALLS = 6;

/** Measurements in a row with an answer after which earlier silences are forgotten. */
export const FORGIVEN_AFTER = 100;

/**
 * Measurements in a row without this address after which it is forgotten. A server may return a few of many each time.
 */
export const FORGOTTEN_AFTER = 10;

/** Clearly nearer means by a fifth and by a millisecond. */
const SHARE = 0.8;
const MARGIN = 1;

/**
 * The order after a measurement in which at least one address answered. `times` has the milliseconds of each measured
 * address, null if it did not answer; `named` are the addresses that the name has now.
 */
export function reorder(
  before: readonly AddressPlace[],
  times: ReadonlyMap<IpAddress, number | null>,
  named: ReadonlySet<IpAddress>,
): AddressPlace[] {
  const known = new Set(before.map(({ address }) => address));
  const stayed = before
    .filter(({ address }) => times.has(address))
    .map((place) => ({ ...place, absent: named.has(place.address) ? 0 : place.absent + 1 }))
    .filter(({ absent }) => absent < FORGOTTEN_AFTER);
  const newcomers = [...times.keys()]
    .filter((address) => !known.has(address))
    .map((address) => ({ address, time: times.get(address) ?? null, absent: 0, ahead: {} }))
    .sort(nearerFirst);
  const all: AddressPlace[] = [
    ...stayed.map((place) => answered(place, times.get(place.address) ?? null)),
    ...newcomers,
  ];
  const counted = all.map((place, i) => ({ ...place, ahead: aheadOf(place, all.slice(0, i)) }));
  return [...overtaken(counted.filter(({ time }) => time !== null)), ...counted.filter(({ time }) => time === null)];
}

/** Counts silences, so that an address that repeatedly falls silent does not change the order at each return. */
function answered({ falls = 0, steady = 0, ...place }: AddressPlace, time: number | null): AddressPlace {
  if (time === null) {
    const more = place.time === null ? falls : Math.min(falls + 1, MOST_FALLS);
    return { ...place, time, ...(more === 0 ? {} : { falls: more, steady: 0 }) };
  }
  return { ...place, time, ...(falls === 0 || steady + 1 >= FORGIVEN_AFTER ? {} : { falls, steady: steady + 1 }) };
}

/** Measurements in a row in which the address must be clearly nearer to overtake another. */
function roundsOf({ falls = 0 }: AddressPlace): number {
  return ROUNDS * 2 ** Math.max(0, falls - 1);
}

function aheadOf(place: AddressPlace, before: readonly AddressPlace[]): Record<string, number> {
  const clear = before.filter((other) => clearlyNearer(place.time, other.time));
  return Object.fromEntries(
    clear.map(({ address }) => [address, Math.min((place.ahead[address] ?? 0) + 1, roundsOf(place))]),
  );
}

function clearlyNearer(time: number | null, other: number | null): boolean {
  return time !== null && other !== null && time <= other * SHARE && other - time >= MARGIN;
}

/**
 * Fills the places from the first on. An address keeps its place unless others have earned it; the nearest of those
 * gets it.
 */
function overtaken(places: readonly AddressPlace[]): AddressPlace[] {
  const waiting = [...places];
  const order: AddressPlace[] = [];
  while (waiting.length > 0) {
    const first = waiting[0] as AddressPlace;
    const earned = waiting.filter((place) => (place.ahead[first.address] ?? 0) >= roundsOf(place));
    const next = earned.sort(nearerFirst)[0] ?? first;
    order.push(next);
    waiting.splice(waiting.indexOf(next), 1);
  }
  return order;
}

function nearerFirst(a: AddressPlace, b: AddressPlace): number {
  const far = ({ time }: AddressPlace) => time ?? Number.POSITIVE_INFINITY;
  return far(a) === far(b) ? compareText(a.address, b.address) : far(a) - far(b);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
