/** The running dnsmasqs that read a file of dnsmasq.d, by their command lines and configuration (dnsmasq(8)). */
import { dirname } from 'node:path';
import { changedAfterStart } from '../../host/files/file-times.ts';
import type { Host } from '../../host/host.ts';

const CONFIGURATION = '/etc/dnsmasq.conf';

export interface DnsmasqReader {
  readonly pid: number;
  /**
   * Whether dnsmasq started before the file was written. At SIGHUP dnsmasq reads hosts and leases again, but no
   * configuration.
   */
  readonly isStale: boolean;
}

export function dnsmasqReaders(host: Host, file: string): DnsmasqReader[] {
  return host
    .processes('dnsmasq', 'network')
    .filter(({ arguments: all }) => reads(host, all, file))
    .map((process) => ({ pid: process.pid, isStale: changedAfterStart(host, file, process) !== null }));
}

function reads(host: Host, args: readonly string[], file: string): boolean {
  const files = valuesOf(args, '-C', '--conf-file');
  const folders = valuesOf(args, '-7', '--conf-dir');
  for (const configuration of files.length === 0 ? [CONFIGURATION] : files) {
    if (host.target(configuration) === host.target(file)) return true;
    for (const line of (host.readText(configuration) ?? '').split('\n')) {
      const [, key, value = ''] = /^\s*(conf-file|conf-dir)\s*=\s*([^#\s]+)/.exec(line) ?? [];
      if (key === 'conf-dir') folders.push(value);
      if (key === 'conf-file' && value === file) return true;
    }
  }
  // After a comma follow the endings of file names to read, or to leave out.
  return folders.some((folder) => host.target(folder.replace(/,.*/, '')) === host.target(dirname(file)));
}

function valuesOf(args: readonly string[], short: string, long: string): string[] {
  return args.flatMap((arg, i) => {
    if (arg === short || arg === long) return args[i + 1] ?? [];
    if (arg.startsWith(`${long}=`)) return arg.slice(long.length + 1);
    return arg.startsWith(short) && !arg.startsWith('--') ? arg.slice(short.length) : [];
  });
}
