/**
 * Gives a running device the keys of its profile without an activation (nmcli device modify). NetworkManager then asks
 * for its lease anew, with the same address. Two things make that lose nothing (measured with 1.42.4):
 *
 * - The lease's routes of the moment become static routes of the device. They stay, and what the next lease offers is
 *   ignored.
 * - The device waits for the server without a limit. By default NetworkManager gives the device up after 45 s without
 *   an answer, with its address and routes, although the lease has hours left. `nmcli device reapply` does that.
 */
import { HostError } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { listRoutes } from '../../host/netlink/routes/route-table.ts';
import { NetlinkSocket } from '../../host/netlink/socket.ts';
import { MAIN_TABLE } from '../../host/netlink/table-names.ts';
import type { Process } from '../../host/process/processes.ts';
import { linkNames } from '../link-names.ts';
import { isApplied } from './applied.ts';
import { propertiesOf } from './ignoring.ts';
import type { ProfileKey } from './profile-text.ts';
import { forgetTaught, rememberTaught, type TaughtDevice } from './taught.ts';

/** RTPROT_DHCP of linux/rtnetlink.h. */
const DHCP = 16;
/** Milliseconds. All IPv4 routes of the host are listed. */
const TIME = 60_000;
/** Seconds without a limit (nm-settings(5), dhcp-timeout). */
const FOR_EVER = '2147483647';

/** Throws HostError. All keys are of ipv4. */
export async function teach(host: Host, process: Process, device: string, keys: readonly ProfileKey[]): Promise<void> {
  const onlyDefault = keys.every(({ key }) => key === 'never-default');
  const routes = await leasedRoutes(host, device, onlyDefault);
  const { pid, sinceBoot } = process;
  rememberTaught(host, { device, pid, sinceBoot, keys, routes });
  const kept = routes.length === 0 ? [] : ['+ipv4.routes', routes.join(', ')];
  modify(host, device, [...propertiesOf(keys).split(' '), 'ipv4.dhcp-timeout', FOR_EVER, ...kept]);
}

/** Lets the device take the offers again. Its wait without a limit stays until its next activation. Throws HostError. */
export function unteach(host: Host, process: Process | null, taught: TaughtDevice): void {
  const { device, pid, sinceBoot, keys, routes } = taught;
  const same = process?.pid === pid && process.sinceBoot === sinceBoot;
  // After another activation the device has only what its profile says.
  if (same && isApplied(host, device, keys) === true) {
    const back = keys.flatMap(({ section, key }) => [`${section}.${key}`, 'no']);
    const kept = routes.length === 0 ? [] : ['-ipv4.routes', routes.join(', ')];
    modify(host, device, [...back, ...kept]);
  }
  forgetTaught(host, device);
}

function modify(host: Host, device: string, properties: readonly string[]): void {
  const { status, stdout, stderr, error } = host.run('nmcli', ['device', 'modify', device, ...properties]);
  if (status !== 0) {
    const why = error ?? (stderr.trim() || stdout.trim());
    throw new HostError('ENMCLI', `nmcli device modify ${device}: ${why}`);
  }
}

/** The kernel's routes that NetworkManager made of the lease: `10.0.0.0/8 10.77.0.9 100`. */
async function leasedRoutes(host: Host, device: string, onlyDefault: boolean): Promise<string[]> {
  const index = [...linkNames(host)].find(([, name]) => name === device)?.[0];
  using socket = await NetlinkSocket.open();
  const found = await listRoutes(socket, 'ipv4', { protocol: DHCP }, AbortSignal.timeout(TIME));
  return found.flatMap(({ destination, table, metric, hops }) => {
    const [hop] = hops;
    if (table !== MAIN_TABLE || String(hop?.index) !== index) return [];
    if (onlyDefault && destination !== '0.0.0.0/0') return [];
    return [`${destination} ${hop?.gateway ?? '0.0.0.0'} ${metric}`];
  });
}
