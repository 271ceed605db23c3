/** The running dnsmasqs that read a file of dnsmasq.d, by their command lines and configuration (dnsmasq(8)). */
import { dirname } from 'node:path';
import { changedAfterStart } from '../../host/files/file-times.ts';
import type { Host } from '../../host/host.ts';
import type { Process } from '../../host/process/processes.ts';

const CONFIGURATION = '/etc/dnsmasq.conf';

export interface DnsmasqReader {
  readonly pid: number;
  readonly process: Process;
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
    .map((process) => ({ pid: process.pid, process, isStale: changedAfterStart(host, file, process) !== null }));
}

function reads(host: Host, args: readonly string[], file: string): boolean {
  const { files, folders } = dnsmasqSources(host, args);
  if (files.some((one) => one === file || host.target(one) === host.target(file))) return true;
  return folders.some(({ folder }) => host.target(folder) === host.target(dirname(file)));
}

export interface DnsmasqSources {
  /** Its files, and the files that they name. */
  readonly files: readonly string[];
  /** The files that its command line names, or its usual file. */
  readonly main: readonly string[];
  /** `endings`: of the file names to read (`*.conf`), or to leave out (`.bak`). */
  readonly folders: readonly { readonly folder: string; readonly endings: readonly string[] }[];
}

/** Where a dnsmasq with these arguments reads its configuration. */
export function dnsmasqSources(host: Host, args: readonly string[]): DnsmasqSources {
  const main = mainFiles(args);
  const files = [...main];
  const folders = valuesOf(args, '-7', '--conf-dir');
  for (const configuration of main) {
    for (const line of (host.readText(configuration) ?? '').split('\n')) {
      const [, key, value = ''] = /^\s*(conf-file|conf-dir)\s*=\s*([^#\s]+)/.exec(line) ?? [];
      if (key === 'conf-dir') folders.push(value);
      if (key === 'conf-file') files.push(value);
    }
  }
  return {
    files,
    main,
    folders: folders.map((value) => {
      const [folder = '', ...endings] = value.split(',');
      return { folder: folder.replace(/(.)\/+$/, '$1'), endings: endings.filter((ending) => ending !== '') };
    }),
  };
}

/** The files and folders that a dnsmasq with these arguments starts from. */
export function pathsToStartFrom(args: readonly string[]): string[] {
  const folders = valuesOf(args, '-7', '--conf-dir').map((value) => value.split(',')[0] ?? '');
  return [...mainFiles(args), ...folders];
}

function mainFiles(args: readonly string[]): string[] {
  const named = valuesOf(args, '-C', '--conf-file');
  return named.length === 0 ? [CONFIGURATION] : named;
}

function valuesOf(args: readonly string[], short: string, long: string): string[] {
  return args.flatMap((arg, i) => {
    if (arg === short || arg === long) return args[i + 1] ?? [];
    if (arg.startsWith(`${long}=`)) return arg.slice(long.length + 1);
    return arg.startsWith(short) && !arg.startsWith('--') ? arg.slice(short.length) : [];
  });
}
