/** The running NetworkManager(8), found by its process and by its device files in /run. */
import { changedAfterStart } from '../../host/files/file-times.ts';
import type { Host } from '../../host/host.ts';
import { RUN_FOLDER } from '../../host/paths.ts';
import type { Process } from '../../host/process/processes.ts';
import type { LeaseHolder } from '../client.ts';
import { linkNames } from '../link-names.ts';

export const NETWORK_MANAGER_CONF = '/etc/NetworkManager/conf.d/90-holdfast.conf';
export const DISPATCHER = '/etc/NetworkManager/dispatcher.d/90-holdfast';

/** Which NetworkManager has been signalled to read its configuration again, and the text that it read. */
const TOLD = `${RUN_FOLDER}/networkmanager`;

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
  host.replaceOwn(TOLD, told(host, process), 0o644);
}

/**
 * Whether the running NetworkManager has read our present file. It reads its configuration at its start and at SIGHUP.
 */
export function hasReadConf(host: Host, process: Process): boolean {
  if (host.stat(NETWORK_MANAGER_CONF) === null) return false;
  return host.readText(TOLD) === told(host, process) || changedAfterStart(host, NETWORK_MANAGER_CONF, process) === null;
}

/**
 * The signalled process and the text that it read. The process is identified by its start, counted since boot, not by
 * the clock.
 */
function told(host: Host, { pid, sinceBoot }: Process): string {
  return `${pid} ${sinceBoot}\n${host.readText(NETWORK_MANAGER_CONF) ?? ''}`;
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
