/**
 * The devices that NetworkManager configures by DHCP or by router advertisements, and the profile (the file) of each.
 * A profile that another program makes is never edited: that program would write it anew.
 */
import { type IniLine, iniLines } from '../../host/files/ini.ts';
import type { Host } from '../../host/host.ts';
import { linkNames } from '../link-names.ts';

const DEVICES = '/run/NetworkManager/devices';
export const PROFILES = '/etc/NetworkManager/system-connections';
const FOLDERS = [PROFILES, '/run/NetworkManager/system-connections', '/usr/lib/NetworkManager/system-connections'];
const IFCFG = '/etc/sysconfig/network-scripts';

export interface ManagedDevice {
  readonly name: string;
  /** NetworkManager's record of the device: its profile and its lease. */
  readonly record: readonly IniLine[];
  /** The identifier of its profile; null if the device has no active profile. */
  readonly uuid: string | null;
  /** The profile's keyfile; null if no file has this identifier. */
  readonly file: string | null;
  readonly profile: readonly IniLine[];
}

/** The devices that NetworkManager configures, without those that it only watches. */
export function managedDevices(host: Host): ManagedDevice[] {
  const indexes = host.list(DEVICES);
  if (indexes.length === 0) return [];
  const names = linkNames(host);
  const profiles = FOLDERS.flatMap((folder) =>
    host.list(folder).map((file) => ({ file: `${folder}/${file}`, lines: iniLines(host, `${folder}/${file}`) })),
  );
  return indexes.flatMap((index) => {
    const name = names.get(index);
    const record = iniLines(host, `${DEVICES}/${index}`);
    const uuid = valueIn(record, 'device', 'connection-uuid');
    const found = uuid && profiles.find(({ lines }) => valueIn(lines, 'connection', 'uuid') === uuid);
    const { file, lines } = found || { file: null, lines: [] };
    if (name === undefined || valueIn(lines, '.nmmeta', 'external') === 'true') return [];
    const isAutomatic =
      record.some(({ section }) => section === 'dhcp4' || section === 'dhcp6') ||
      ['ipv4', 'ipv6'].some((family) => valueIn(lines, family, 'method') === 'auto');
    return isAutomatic ? [{ name, record, uuid, file, profile: lines }] : [];
  });
}

/** null if absent. The keyfile format names a setting by its new or its old name. */
export function profileLine(
  lines: readonly IniLine[],
  sections: string | readonly string[],
  key: string,
): IniLine | null {
  const all = [sections].flat();
  return lines.findLast((line) => all.includes(line.section ?? '') && line.key === key) ?? null;
}

export function valueIn(lines: readonly IniLine[], section: string, key: string): string | null {
  return profileLine(lines, section, key)?.value ?? null;
}

/** The words of a list in NetworkManager's files, which separates them by blanks, commas or semicolons. */
export function networkManagerWords(list: string | null | undefined): string[] {
  return (list ?? '').split(/[\s,;]+/).filter((word) => word !== '');
}

/** The command that activates the device with its present profile. It interrupts the device's network. */
export function activation({ uuid }: ManagedDevice): string {
  return `nmcli connection up ${uuid ?? 'UUID'}`;
}

/**
 * Why Holdfast does not edit the profile of this device, with what to write in its place; null if it may.
 * @param properties as nmcli(1) writes them: `ipv4.never-default yes`.
 */
export function notEdited(host: Host, { name, uuid, file }: ManagedDevice, properties: string): string | null {
  const byHand = `nmcli connection modify ${uuid ?? 'UUID'} ${properties}`;
  if (file === null) {
    const ifcfg = ifcfgOf(host, name, uuid);
    if (ifcfg !== null)
      return `the profile of ${name} is ${ifcfg}, which Holdfast does not edit; write it there by: ${byHand}`;
    if (namesInterface(host, name))
      return `/etc/network/interfaces makes the profile of ${name}, and NetworkManager keeps nothing of it; give ${name} a profile of its own (nmcli connection add type ethernet ifname ${name})`;
    return `the profile of ${name} is only in NetworkManager's memory; save it together with the setting by: ${byHand}`;
  }
  const base = file.slice(file.lastIndexOf('/') + 1);
  if (base.startsWith('netplan-'))
    return `netplan makes ${file}; write "dhcp4-overrides: { use-routes: false }" (IPv6: "accept-ra: false") for ${name} in /etc/netplan`;
  if (!file.startsWith(`${PROFILES}/`))
    return `${file} is not kept through a change by NetworkManager; make a profile in ${PROFILES} of it by: ${byHand}`;
  const text = host.readText(file) ?? '';
  if (base.startsWith('cloud-init-') || /^#.*cloud-init/im.test(text))
    return `cloud-init makes ${file} anew; write "dhcp4-overrides: { use-routes: false }" for ${name} into its network-config`;
  if (SECRETS.test(text)) return `${file} holds secrets, of which Holdfast keeps no copy; write it there by: ${byHand}`;
  return null;
}

/** Holdfast keeps originals and shows differences, so it keeps away from passwords. */
const SECRETS = /^\s*(psk|.*password|.*private-key|wep-key\d|leap-.*|pin|.*secret.*)\s*=/im;

function ifcfgOf(host: Host, name: string, uuid: string | null): string | null {
  const files = host.list(IFCFG).filter((file) => file.startsWith('ifcfg-'));
  const isOf = (file: string) => {
    const text = host.readText(`${IFCFG}/${file}`) ?? '';
    const value = (key: string) => new RegExp(`^\\s*${key}=["']?([^"'\\s]*)`, 'm').exec(text)?.[1];
    return (uuid !== null && value('UUID') === uuid) || value('DEVICE') === name;
  };
  const found = files.find(isOf);
  return found === undefined ? null : `${IFCFG}/${found}`;
}

function namesInterface(host: Host, name: string): boolean {
  const text = host.readText('/etc/network/interfaces') ?? '';
  return text.split('\n').some((line) => {
    const [word, iface] = line.trim().split(/\s+/);
    return word === 'iface' && iface === name;
  });
}
