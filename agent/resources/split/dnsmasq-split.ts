/**
 * dnsmasq asks some domains at their own servers. It reads `server=` lines of its configuration only at its start, and
 * those of a `servers-file` again at each SIGHUP, without a lost question. A file in its folder therefore names a
 * servers-file of ours, and the domains are there. The servers-file lies in the same folder, since AppArmor and SELinux let dnsmasq
 * read there. Its leading dot keeps dnsmasq from reading it as configuration as well.
 */
import type { DesiredSplit } from '../../config/desired.ts';
import type { Finding } from '../../hold/resource.ts';
import { HostError } from '../../host/errors.ts';
import { changedAfterStart } from '../../host/files/file-times.ts';
import { mustBeRoots } from '../../host/files/only-root.ts';
import { type Host, notOfTheseFiles } from '../../host/host.ts';
import type { Process } from '../../host/process/processes.ts';
import { DNSMASQ_HEADER } from '../dnsmasq/dnsmasq-text.ts';
import { type DnsmasqSources, dnsmasqSources, pathsToStartFrom } from '../dnsmasq/readers.ts';
import { forwarderFinding, SPLIT_FILE, splitFile, splitZones } from './split-view.ts';
import { serviceOf } from './tell-program.ts';
import { hasRead } from './told-programs.ts';

const FOLDER = '/etc/dnsmasq.d';
const CONF_NAME = `${SPLIT_FILE}.conf`;
const SERVERS_NAME = `.${SPLIT_FILE}.servers`;

export interface DnsmasqSplitFiles {
  /** The file that dnsmasq reads at its start. */
  readonly conf: string;
  /** The file that dnsmasq reads again at SIGHUP. */
  readonly servers: string;
}

export function isServersFile(path: string): boolean {
  return path.endsWith(`/${SERVERS_NAME}`);
}

/** The files for this dnsmasq (null: the one that its service will start). Throws HostError if it reads no folder. */
export function dnsmasqSplitFiles(host: Host, process: Process | null): DnsmasqSplitFiles {
  const { folders } = trustedSources(host, process);
  const known = process === null && folders.length === 0 ? [{ folder: FOLDER, endings: [] }] : folders;
  const fitting = known.find(({ endings }) => readsName(endings, CONF_NAME));
  if (fitting === undefined)
    throw new HostError(
      'ESPLIT',
      `${nameOf(process)} reads no folder of configuration files: write conf-dir=${FOLDER} into its configuration, and start it anew`,
    );
  mustBeRoots(host, fitting.folder, nameOf(process));
  return { conf: `${fitting.folder}/${CONF_NAME}`, servers: `${fitting.folder}/${SERVERS_NAME}` };
}

/** Where this dnsmasq reads its configuration. Throws HostError if others than root can change where it starts. */
export function trustedSources(host: Host, process: Process | null): DnsmasqSources {
  const args = process?.arguments ?? [];
  for (const path of pathsToStartFrom(args)) mustBeRoots(host, path, nameOf(process));
  return dnsmasqSources(host, args);
}

function nameOf(process: Process | null): string {
  return process === null ? 'dnsmasq' : `dnsmasq[${process.pid}]`;
}

/** Whether dnsmasq reads a file of this name in a folder with these endings (dnsmasq(8), --conf-dir). */
export function readsName(endings: readonly string[], name: string): boolean {
  const only = endings.filter((ending) => ending.startsWith('*'));
  const skipped = endings.filter((ending) => !ending.startsWith('*'));
  return (
    !/^\.|~$|^#.*#$/.test(name) &&
    (only.length === 0 || only.some((ending) => name.endsWith(ending.slice(1)))) &&
    !skipped.some((ending) => name.endsWith(ending))
  );
}

export function dnsmasqServersText(split: readonly DesiredSplit[]): string {
  const lines = splitZones(split).flatMap(({ domain, servers }) =>
    servers.map((server) => `server=/${domain}/${server}\n`),
  );
  return DNSMASQ_HEADER + lines.join('');
}

function dnsmasqConfText({ servers }: DnsmasqSplitFiles): string {
  return `${DNSMASQ_HEADER}servers-file=${servers}\n`;
}

/** The servers-file comes first, so that dnsmasq finds it whenever it starts. */
export async function dnsmasqFindings(
  host: Host,
  split: readonly DesiredSplit[],
  process: Process | null,
): Promise<Finding[]> {
  const files = dnsmasqSplitFiles(host, process);
  const texts = { [files.servers]: dnsmasqServersText(split), [files.conf]: dnsmasqConfText(files) };
  const compared = await Promise.all(
    Object.entries(texts).map(([key, wanted]) => splitFile(host, split, { key, wanted })),
  );
  return [...compared.flatMap((finding) => finding ?? []), running(host, split, process, files)];
}

function running(
  host: Host,
  split: readonly DesiredSplit[],
  process: Process | null,
  files: DnsmasqSplitFiles,
): Finding {
  const finding = forwarderFinding.bind(null, split, 'dnsmasq');
  if (!host.live) return finding('skipped', { reason: notOfTheseFiles('dnsmasq') });
  if (process === null) return finding('unknown', { reason: 'dnsmasq, which is enabled, does not run yet' });
  const isKnown = host.stat(files.conf) !== null && changedAfterStart(host, files.conf, process) === null;
  if (!isKnown) return finding('skipped', { reason: pendingReason(process), shown: 'drifted' });
  const isRight = host.readText(files.servers) === dnsmasqServersText(split) && hasRead(host, process, files.servers);
  return isRight
    ? finding('ok')
    : finding('drifted', { reason: `dnsmasq[${process.pid}] has not read the present file yet` });
}

/** A restart loses the questions of some milliseconds, so the operator decides when. */
function pendingReason(process: Process): string {
  const unit = serviceOf(process);
  const command =
    unit === 'NetworkManager.service'
      ? 'nmcli general reload dns-full'
      : unit === null
        ? 'start it anew'
        : `systemctl restart ${unit.replace(/\.service$/, '')}`;
  return `pending: dnsmasq[${process.pid}] takes a new servers-file only at its start, which loses the questions of some milliseconds. When it suits you: ${command}`;
}
