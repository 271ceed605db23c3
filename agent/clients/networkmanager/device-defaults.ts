/**
 * Our file of conf.d with defaults by device (NetworkManager.conf(5), CONNECTION SECTION). A default replaces what a
 * lease offers, unless the profile has a value of its own. NetworkManager reads the file at its start and at SIGHUP, and
 * uses the default from its next lease on; no device is touched.
 */
import type { DesiredDhcp } from '../../config/desired.ts';
import type { Host } from '../../host/host.ts';
import { mtuOf } from '../link-mtu.ts';
import { allConfLines } from './conf.ts';
import { type ManagedDevice, profileLine } from './profiles.ts';
import { DHCP_CONF } from './running.ts';

/** By the kind of device: a VLAN, a bond or a bridge counts as ethernet. */
const KEYS = ['ethernet.mtu', 'wifi.mtu'];

/** null if no default is wanted. `present`: the file's text, whose devices stay while they have no lease. */
export function renderDefaults(
  dhcp: DesiredDhcp,
  devices: readonly ManagedDevice[],
  present: string | null,
): string | null {
  const before = [...(present ?? '').matchAll(/^match-device=interface-name:=(.+)$/gm)].map((match) => match[1]!);
  const leased = devices.filter(({ record }) => record.some(({ section }) => section === 'dhcp4'));
  const names = [...new Set([...before, ...leased.map(({ name }) => name)])].filter(canBeMatched).sort();
  const sections = names.flatMap((name) => {
    const mtu = mtuOf(dhcp, name);
    if (mtu === null) return [];
    const values = KEYS.map((key) => `${key}=${mtu}\n`).join('');
    return [`[connection-holdfast-${name}]\nmatch-device=interface-name:=${name}\n${values}`];
  });
  return sections.length === 0
    ? null
    : `# Made by "agent apply"; changes here are overwritten.\n${sections.join('\n')}`;
}

/** A list of devices has separators and wildcards. */
function canBeMatched(name: string): boolean {
  return /^[\w.:@-]+$/.test(name);
}

/** Why the default has no effect on this device; null if it has. */
export function overruled(host: Host, { name, profile }: ManagedDevice): string | null {
  if (!canBeMatched(name)) return `NetworkManager.conf(5) has no spelling for the name ${name}`;
  const own = profileLine(profile, ['ethernet', '802-3-ethernet', 'wifi', '802-11-wireless'], 'mtu');
  if (own !== null && own.value !== '0')
    return `${own.file}:${own.line} sets mtu=${own.value}, which wins; take it out of the profile`;
  const lines = allConfLines(host);
  const ours = lines.findLastIndex(({ file }) => file === DHCP_CONF);
  const later = lines
    .slice(ours + 1)
    .find(({ section, key }) => section?.startsWith('connection') && KEYS.includes(key));
  return ours < 0 || later === undefined ? null : `${later.file}:${later.line} sets ${later.key} after ours`;
}
