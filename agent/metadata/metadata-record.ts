/**
 * The last fetched values, on disk, so that `apply`, the daemon and the next boot use the same values. Only valid
 * answers are saved, so the last good answer stays until there is a better one. Each answer belongs to one interface,
 * by its hardware address: a disk that is copied to another instance brings no values along.
 */
import { ipAddress, ipPrefix } from '../address/address-checks.ts';
import { asciiJson } from '../config/ascii.ts';
import { isMap } from '../config/plain-map.ts';
import { HostError } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { RUN_FOLDER, STATE_FOLDER } from '../host/paths.ts';
import type { MetadataValue } from './clouds/provider.ts';

export interface Fetched {
  /** The interface's hardware address: `0e:49:61:0f:c3:11`. */
  readonly mac: string;
  /** The name of the interface that had this address then. */
  readonly device: string;
  readonly values: readonly MetadataValue[];
  /** Milliseconds since the epoch: when the provider last gave the value. */
  readonly asOf: number;
  /** The provider's name, for people. */
  readonly source: string;
}

export interface MetadataRecord {
  /** By wish, see wishKey. */
  readonly fetched: Readonly<Record<string, Fetched>>;
  /** Problems of the last fetch, by wish. */
  readonly problems: Readonly<Record<string, string>>;
}

const RECORD = `${STATE_FOLDER}/metadata.json`;
/** Exists only while the disk takes no writes. It is newer than the file on disk, and gone with the next boot. */
const IN_MEMORY = `${RUN_FOLDER}/metadata.json`;

export const NO_RECORD: MetadataRecord = { fetched: {}, problems: {} };

/** The record's text, for comparison with the last text; null if nothing was fetched yet. Throws HostError. */
export function readMetadataRecord(host: Host): string | null {
  return host.readText(IN_MEMORY) ?? host.readText(RECORD);
}

/** Leaves out damaged entries: they are fetched anew. */
export function parseMetadataRecord(text: string | null): MetadataRecord {
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
 * Saves the record, readable only by root. `durable`: the record has new values, which must survive a power cut. If the
 * disk is full or read-only, the record goes to /run, so that routes are held all the same. Throws HostError if /run
 * fails too.
 */
export function writeMetadataRecord(host: Host, record: MetadataRecord, durable: boolean): void {
  const text = `${asciiJson(record)}\n`;
  // The copy in memory is read first. It must never be the older one, even if this process is killed before the
  // removal.
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
    Array.isArray(one.values) &&
    one.values.every(isValue) &&
    typeof one.asOf === 'number' &&
    Number.isFinite(one.asOf) &&
    typeof one.source === 'string'
  );
}

/** Values of the record go into the kernel's routes. */
function isValue(value: unknown): boolean {
  return typeof value === 'string' && (ipPrefix(value) ?? ipAddress(value)) === value;
}

function isText(entry: [string, unknown]): entry is [string, string] {
  return typeof entry[1] === 'string';
}
