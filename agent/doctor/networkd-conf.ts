/** The settings of networkd.conf about routes and rules that systemd-networkd did not make itself. */
import type { Host } from '../host/host.ts';

const NETWORKD_CONF = '/etc/systemd/networkd.conf';

/** Whether systemd-networkd leaves them alone. If several files set the key, the last file counts (systemd-system.conf(5)). */
export function networkdLeavesForeign(
  host: Host,
  key: 'ManageForeignRoutes' | 'ManageForeignRoutingPolicyRules',
): boolean {
  const folder = `${NETWORKD_CONF}.d`;
  const files = [NETWORKD_CONF, ...host.list(folder).map((name) => `${folder}/${name}`)];
  const line = new RegExp(`^\\s*${key}\\s*=\\s*(\\S*)`, 'gm');
  const said = files.flatMap((file) => [...(host.readText(file) ?? '').matchAll(line)].map(([, value]) => value));
  return /^(no|false|0|off|n|f)$/i.test(said.at(-1) ?? '');
}
