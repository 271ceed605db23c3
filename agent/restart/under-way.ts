/**
 * The restart that is under way, written down before anything ends: the next agent can finish it. And which changes a dhclient was
 * started again for: not twice for the same in an hour. Both are gone after a reboot, which starts every dhclient.
 */
import { asciiJson } from '../config/ascii.ts';
import type { Host } from '../host/host.ts';
import { RESTART, RUN_FOLDER } from '../host/paths.ts';
import type { Network } from '../rehearse/network.ts';
import type { CommandLine } from './command-line.ts';
import type { Known } from './launch.ts';

export interface Entry {
  readonly old: Known;
  /** "dhclient[812] on eth0". */
  readonly name: string;
  readonly interfaces: readonly string[];
  readonly command: CommandLine;
  /** What it was started with: milliseconds since the epoch. */
  readonly began: number;
  /** As it was before, of each interface. */
  readonly networks: readonly Network[];
  /** latin1; as it was to become by the rehearsal. */
  readonly resolvConf: string | null;
  /** What became, or becomes, the new one; null: nothing was ended yet. */
  readonly started: Known | null;
}

/** null: none is under way. A text: there is one, but what is written of it is damaged. */
export function readEntry(host: Host): Entry | 'damaged' | null {
  const text = host.readText(RESTART);
  if (text === null) return null;
  try {
    const entry = JSON.parse(text) as Entry;
    const isKnown = (one: Known | null) =>
      one === null || (Number.isSafeInteger(one.pid) && typeof one.start === 'string');
    const { executable, arguments: words } = entry.command;
    if ([entry.interfaces, entry.networks, words].every(Array.isArray) && isKnown(entry.old) && isKnown(entry.started))
      if (typeof executable === 'string' && typeof entry.began === 'number') return entry;
  } catch {
    // said below
  }
  return 'damaged';
}

export function writeEntry(host: Host, entry: Entry): void {
  host.makeFolder(RUN_FOLDER, 0o755);
  host.replaceOwn(RESTART, asciiJson(entry), 0o600);
}

export function closeEntry(host: Host): void {
  host.remove(RESTART);
}

const DONE = `${RUN_FOLDER}/restarts`;
const HOUR = 3_600_000;

/** Milliseconds until this change may have a dhclient of these interfaces started again. */
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
    return []; // damaged: it bounds nothing that does harm
  }
}

const keyOf = (interfaces: readonly string[], change: string) => `${interfaces.join(' ')}\n${change}`;
