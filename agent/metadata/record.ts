/**
 * What was last fetched, on disk: apply, the daemon and the next boot agree on it. Only sound answers are in it, so the last
 * good one stays until there is another. Each is the word of one interface, by its hardware address: a disk that was copied
 * to another instance brings nothing along.
 */
import { asciiJson } from '../config/ascii.ts';
import { HostError } from '../host/errors.ts';
import { RUN_FOLDER, STATE_FOLDER } from '../host/folders.ts';
import type { Host } from '../host/host.ts';

export interface Fetched {
  /** Whose: `0e:49:61:0f:c3:11`. */
  readonly mac: string;
  /** The interface that had it then. */
  readonly device: string;
  readonly values: readonly string[];
  /** Milliseconds since the epoch: when the provider last said so. */
  readonly asOf: number;
  /** Whose word it is, for people. */
  readonly source: string;
}

export interface MetadataRecord {
  /** By wish, see wishKey. */
  readonly fetched: Readonly<Record<string, Fetched>>;
  /** What was wrong at the last fetch, by wish. */
  readonly problems: Readonly<Record<string, string>>;
}

const RECORD = `${STATE_FOLDER}/metadata.json`;
/** There only while the disk takes nothing: newer than what is on the disk, and gone with the next boot. */
const IN_MEMORY = `${RUN_FOLDER}/metadata.json`;

export const NO_RECORD: MetadataRecord = { fetched: {}, problems: {} };

/** What an address or a network may be written with: what the record holds goes into routes and hooks. */
const VALUE = /^[0-9a-f.:]{2,39}(\/\d{1,3})?$/;

/** As it stands, to see whether it is another; null: nothing was fetched yet. Throws HostError. */
export function readRecord(host: Host): string | null {
  return host.readText(IN_MEMORY) ?? host.readText(RECORD);
}

/** Nothing of what is damaged: it is fetched anew. */
export function parseRecord(text: string | null): MetadataRecord {
  let found: unknown;
  try {
    found = JSON.parse(text ?? '{}');
  } catch {
    return NO_RECORD;
  }
  if (!isMap(found)) return NO_RECORD;
  const entries = (part: unknown) => Object.entries(isMap(part) ? part : {});
  return {
    fetched: Object.fromEntries(entries(found.fetched).filter(isFetched)),
    problems: Object.fromEntries(entries(found.problems).filter(isText)),
  };
}

/**
 * Root's alone. `durable`: it holds something new, which a power cut must not take. A disk that is full, or read-only, is no
 * reason to go without routes. Throws HostError where not even /run takes it.
 */
export function writeRecord(host: Host, record: MetadataRecord, durable: boolean): void {
  const text = `${asciiJson(record)}\n`;
  // What is read first must never be the older one, were this killed before it is removed.
  const inMemory = host.lstat(IN_MEMORY) !== null;
  if (inMemory) host.replaceOwn(IN_MEMORY, text, 0o600);
  try {
    host.makeFolder(STATE_FOLDER, 0o755);
    host.replaceOwn(RECORD, text, 0o600, { durable });
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    host.makeFolder(RUN_FOLDER, 0o755);
    host.replaceOwn(IN_MEMORY, text, 0o600);
    return;
  }
  if (inMemory) host.remove(IN_MEMORY);
}

function isFetched(entry: [string, unknown]): entry is [string, Fetched] {
  const [, one] = entry;
  return (
    isMap(one) &&
    typeof one.mac === 'string' &&
    typeof one.device === 'string' &&
    isValues(one.values) &&
    typeof one.asOf === 'number' &&
    Number.isFinite(one.asOf) &&
    typeof one.source === 'string'
  );
}

function isValues(values: unknown): values is string[] {
  return Array.isArray(values) && values.every((value) => typeof value === 'string' && VALUE.test(value));
}

function isText(entry: [string, unknown]): entry is [string, string] {
  return typeof entry[1] === 'string';
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
