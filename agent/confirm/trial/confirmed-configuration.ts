/** The configuration that was confirmed last: what is held while a change that was put back waits for its cure. */
import { createHash } from 'node:crypto';
import { asciiJson } from '../../config/ascii.ts';
import { type Source, storedSources } from '../../config/compiled.ts';
import { nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { CONFIRMED, STATE_FOLDER, TRIAL } from '../../host/paths.ts';
import { TRIED } from './trial-record.ts';

/** A checksum, the hash of the configuration, and its files (config/last-good.ts), as three lines. */
export function configurationText(hash: string, sources: readonly Source[]): string {
  return checked(hash, asciiJson({ sources: storedSources(sources) }));
}

/** The same of a compiled form (config/compiled.ts); null if it is damaged, or of the configuration with `hash`. */
export function earlierConfiguration(compiled: string | null, hash: string): string | null {
  try {
    const { hash: own, sources } = JSON.parse(compiled ?? '');
    return typeof own !== 'string' || own === hash ? null : checked(own, asciiJson({ sources }));
  } catch {
    return null;
  }
}

function checked(hash: string, files: string): string {
  return `${checksum(`${hash}\n${files}`)}\n${hash}\n${files}\n`;
}

export interface ConfirmedConfiguration {
  readonly hash: string;
  /** For lastGoodFiles. */
  readonly files: string;
}

/** null if nothing was confirmed yet, or if the record is damaged. */
export function readConfirmed(host: Host): ConfirmedConfiguration | null {
  const text = nullIfRefused(() => host.readText(CONFIRMED));
  const [sum, hash = '', files = ''] = text?.split('\n') ?? [];
  return sum === checksum(`${hash}\n${files}`) ? { hash, files } : null;
}

/** Waits for the disk. Throws HostError. */
export function writeConfirmed(host: Host, text: string): void {
  host.makeFolder(STATE_FOLDER, 0o755);
  // Configurations may hold secrets.
  host.replaceOwn(CONFIRMED, text, 0o600, { durable: true });
}

/** Keeps the configuration that goes on trial, for whichever process confirms it. Throws HostError. */
export function writeTried(host: Host, text: string): void {
  host.makeFolder(TRIAL, 0o755);
  host.replaceOwn(TRIED, text, 0o600, { durable: true });
}

/** The configuration on trial was confirmed. Throws HostError. */
export function confirmTried(host: Host): void {
  const text = host.readText(TRIED);
  if (text !== null) writeConfirmed(host, text);
}

function checksum(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
