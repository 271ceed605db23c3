/**
 * The record of the restart under way, written before anything ends, so that the next agent can finish the restart. A
 * second record has the changes for which a client was restarted: not twice for the same change in an hour. A reboot
 * removes both records, and starts every dhclient.
 */
import { asciiJson } from '../config/ascii.ts';
import type { Host } from '../host/host.ts';
import { RESTART, RUN_FOLDER } from '../host/paths.ts';
import type { Network } from '../rehearse/network.ts';
import type { CommandLine } from './command-line.ts';
import type { KnownProcess } from './launch.ts';

export interface RestartEntry {
  readonly old: KnownProcess;
  /** "dhclient[812] on eth0". */
  readonly name: string;
  readonly interfaces: readonly string[];
  readonly command: CommandLine;
  /** When the restart began: milliseconds since the epoch. */
  readonly began: number;
  /** The state of each interface before the restart. */
  readonly networks: readonly Network[];
  /** The addresses of the leases before the restart, without prefix length. */
  readonly leased: readonly string[];
  /** latin1; the future resolv.conf as rehearsed. */
  readonly resolvConf: string | null;
  /** The process that became, or becomes, the new dhclient; null if nothing was ended yet. */
  readonly started: KnownProcess | null;
}

/** null if no restart is under way. 'damaged' if a record exists but cannot be read. */
export function readEntry(host: Host): RestartEntry | 'damaged' | null {
  const text = host.readText(RESTART);
  if (text === null) return null;
  try {
    const entry = JSON.parse(text) as RestartEntry;
    const isKnown = (one: KnownProcess | null) =>
      one === null || (Number.isSafeInteger(one.pid) && typeof one.start === 'string');
    const { executable, arguments: words } = entry.command;
    if (
      [entry.interfaces, entry.networks, entry.leased, words].every(Array.isArray) &&
      isKnown(entry.old) &&
      isKnown(entry.started)
    )
      if (typeof executable === 'string' && typeof entry.began === 'number') return entry;
  } catch {
    // reported below
  }
  return 'damaged';
}

export function writeEntry(host: Host, entry: RestartEntry): void {
  host.makeFolder(RUN_FOLDER, 0o755);
  host.replaceOwn(RESTART, asciiJson(entry), 0o600);
}

export function closeEntry(host: Host): void {
  host.remove(RESTART);
}

const DONE = `${RUN_FOLDER}/restarts`;
const HOUR = 3_600_000;

/** Milliseconds until this change may restart the client of these interfaces again. */
export function waitFor(host: Host, interfaces: readonly string[], change: string, now: number): number {
  const key = keyOf(interfaces, change);
  const last = recent(host, now).find((one) => one.key === key);
  return last === undefined ? 0 : last.time + HOUR - now;
}

export function noteRestart(host: Host, interfaces: readonly string[], change: string, now: number): void {
  host.replaceOwn(DONE, asciiJson([...recent(host, now), { key: keyOf(interfaces, change), time: now }]), 0o600);
}

function recent(host: Host, now: number): { key: string; time: number }[] {
  try {
    const all = JSON.parse(host.readText(DONE) ?? '[]') as { key: string; time: number }[];
    return all.filter(({ key, time }) => typeof key === 'string' && time <= now && now - time < HOUR);
  } catch {
    return []; // damaged: a lost record does no harm
  }
}

const keyOf = (interfaces: readonly string[], change: string) => `${interfaces.join(' ')}\n${change}`;
