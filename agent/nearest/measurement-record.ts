/**
 * The last measurements, on disk, so that apply, the daemon and the next boot agree, and a restart forgets nothing.
 * Only successful measurements are saved, so the last good measurement stays until there is a new one.
 */
import { isDotted } from '../address/dotted.ts';
import type { Nearest } from '../config/desired.ts';
import { isMap } from '../config/plain-map.ts';
import type { Host } from '../host/host.ts';
import { STATE_FOLDER } from '../host/paths.ts';
import type { AddressPlace } from './order.ts';

export interface Measurement {
  /** Milliseconds since the epoch. */
  readonly measured: number;
  /** The nearest first. */
  readonly order: readonly AddressPlace[];
  /** How many addresses the name had. There are more than in `order` if not all were measured. */
  readonly found: number;
}

/** Measurements by target. */
export type Measurements = Readonly<Record<string, Measurement>>;

const RECORD = `${STATE_FOLDER}/nearest.json`;

/** `puppet.example.com:8140`. */
export function targetOf({ name, port }: Nearest): string {
  return `${name}:${port}`;
}

/** The record's text, to see whether it changed; null if nothing was measured yet. Throws HostError. */
export function readMeasurements(host: Host): string | null {
  return host.readText(RECORD);
}

/** Reads the record without damaged parts, which are measured anew. */
export function parseMeasurements(text: string | null): Measurements {
  let found: unknown;
  try {
    found = JSON.parse(text ?? '{}');
  } catch {
    return {};
  }
  return Object.fromEntries(Object.entries(isMap(found) ? found : {}).filter(isEntry));
}

/** Throws HostError. */
export function writeMeasurements(host: Host, measurements: Measurements): void {
  host.makeFolder(STATE_FOLDER, 0o755);
  host.replaceOwn(RECORD, `${JSON.stringify(measurements)}\n`, 0o644, { durable: true });
}

function isEntry(entry: [string, unknown]): entry is [string, Measurement] {
  const [, value] = entry;
  if (!isMap(value) || !Array.isArray(value.order)) return false;
  const addresses = value.order.map((place) => place?.address);
  return (
    isAmount(value.measured) &&
    isAmount(value.found) &&
    value.order.every(isPlace) &&
    new Set(addresses).size === addresses.length
  );
}

/** Checks that each address is one, because the record's content is written to resolv.conf and the hooks. */
function isPlace(place: unknown): place is AddressPlace {
  return (
    isMap(place) &&
    typeof place.address === 'string' &&
    isDotted(place.address) &&
    (place.time === null || isAmount(place.time)) &&
    isAmount(place.absent) &&
    [place.falls, place.steady].every((count) => count === undefined || isAmount(count)) &&
    isMap(place.ahead) &&
    Object.values(place.ahead).every(isAmount)
  );
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
