/**
 * The running rdnssd(8) and its merge hook. rdnssd takes no leases: it listens to router advertisements and writes their
 * name servers into a file of its own. Then it runs the merge hook, which writes them into resolv.conf.
 */
import { nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import type { Process } from '../../host/process/processes.ts';

/** The name servers that rdnssd heard last. The part that writes this file runs as an ordinary user. */
export const HEARD = '/run/rdnssd/resolv.conf';

const DEFAULTS = '/etc/default/rdnssd';
const DEFAULT_HOOK = '/etc/rdnssd/merge-hook';

/** The manager, which runs the merge hook as root; null if rdnssd does not run. */
export function rdnssd(host: Host): Process | null {
  return host.processes('rdnssd', 'network')[0] ?? null;
}

/** Whether rdnssd runs, or is installed. */
export function rdnssdIsHere(host: Host): boolean {
  return ['/sbin/rdnssd', '/usr/sbin/rdnssd'].some((path) => host.stat(path) !== null) || rdnssd(host) !== null;
}

/**
 * The program that rdnssd runs after each advertisement: of its command line if it runs, of Debian's file of defaults if
 * it will start. null if there is none.
 */
export function mergeHook(host: Host): string | null {
  const process = rdnssd(host);
  const path = process === null ? ofDefaults(host) : ofArguments(process.arguments);
  return path?.startsWith('/') ? path : null;
}

/** Debian's unit runs /bin/true if its file of defaults names no hook: the name servers then stay in rdnssd's own file. */
export function mergesIntoResolvConf(hook: string): boolean {
  return !/\/(true|false)$/.test(hook);
}

function ofArguments(words: readonly string[]): string | null {
  const at = words.findIndex((word) => word === '-H' || word === '--merge-hook');
  if (at !== -1) return words[at + 1] ?? null;
  const joined = words.find((word) => /^(-H.|--merge-hook=)/.test(word));
  return joined?.replace(/^(-H|--merge-hook=)/, '') ?? null;
}

/** The file is sourced by a shell and read by systemd. A value that only a shell understands counts as unknown. */
function ofDefaults(host: Host): string | null {
  const text = nullIfRefused(() => host.readText(DEFAULTS));
  if (text === null) return DEFAULT_HOOK;
  const values = [...text.matchAll(/^[ \t]*MERGE_HOOK=(["']?)([^\s"'$`]*)\1[ \t]*$/gm)];
  return values.at(-1)?.[2] ?? null;
}
