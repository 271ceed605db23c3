/** The running NetworkManager(8), found by its process and by its device files in /run. */
import { changedAfterStart } from '../../host/files/file-times.ts';
import type { Host } from '../../host/host.ts';
import { RUN_FOLDER } from '../../host/paths.ts';
import type { Process } from '../../host/process/processes.ts';
import type { LeaseHolder } from '../client.ts';
import { linkNames } from '../link-names.ts';

export const NETWORK_MANAGER_CONF = '/etc/NetworkManager/conf.d/90-holdfast.conf';
/** Defaults of properties by device, for `dhcp`. */
export const DHCP_CONF = '/etc/NetworkManager/conf.d/90-holdfast-dhcp.conf';
export const DISPATCHER = '/etc/NetworkManager/dispatcher.d/90-holdfast';

/** For each of our files: which NetworkManager was signalled to read its configuration again, and what it read. */
const TOLD: Readonly<Record<string, string>> = {
  [NETWORK_MANAGER_CONF]: `${RUN_FOLDER}/networkmanager`,
  [DHCP_CONF]: `${RUN_FOLDER}/networkmanager-dhcp`,
};

const DEVICES = '/run/NetworkManager/devices';

export function networkManagerHolders(host: Host): LeaseHolder[] {
  const process = networkManager(host);
  if (process === null) return [];
  const { pid, started } = process;
  return [{ program: 'NetworkManager', pid, started, interfaces: leased(host) }];
}

/** Whether NetworkManager runs, or is installed. */
export function networkManagerIsHere(host: Host): boolean {
  return networkManager(host) !== null || host.stat('/usr/sbin/NetworkManager') !== null;
}

export function networkManager(host: Host): Process | null {
  return host.processes('NetworkManager', 'network')[0] ?? null;
}

/**
 * Makes the running NetworkManager read its configuration again. This takes no connection down (NetworkManager(8),
 * SIGHUP).
 */
export function tellNetworkManager(host: Host): void {
  const process = networkManager(host);
  if (process === null || !host.signal(process, 'SIGHUP')) return;
  host.makeFolder(RUN_FOLDER, 0o755);
  for (const [conf, record] of Object.entries(TOLD)) host.replaceOwn(record, told(host, process, conf), 0o644);
}

/**
 * Whether the running NetworkManager has read our present file. It reads its configuration at its start and at SIGHUP.
 */
export function hasReadConf(host: Host, process: Process, conf = NETWORK_MANAGER_CONF): boolean {
  if (host.stat(conf) === null) return false;
  return host.readText(TOLD[conf]!) === told(host, process, conf) || changedAfterStart(host, conf, process) === null;
}

/**
 * The signalled process and the text that it read. The process is identified by its start, counted since boot, not by
 * the clock.
 */
function told(host: Host, { pid, sinceBoot }: Process, conf: string): string {
  return `${pid} ${sinceBoot}\n${host.readText(conf) ?? ''}`;
}

/** Devices for which NetworkManager holds a lease. It configures other devices from a file, or only watches them. */
function leased(host: Host): string[] {
  const names = linkNames(host);
  return host.list(DEVICES).flatMap((index) => {
    const name = names.get(index);
    const hasLease = /^\[dhcp[46]\]$/m.test(host.readText(`${DEVICES}/${index}`) ?? '');
    return hasLease && name !== undefined ? [name] : [];
  });
}
