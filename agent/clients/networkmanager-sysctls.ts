/**
 * The kernel settings that NetworkManager writes for a device that it manages (NetworkManager's nm-device.c): it acts on
 * router advertisements itself, unless the connection's `ipv6.method` leaves IPv6 alone.
 */
import type { Host } from '../host/host.ts';
import { type IniLine, iniLines } from '../host/ini.ts';
import type { ProgramSysctl } from './client-sysctl.ts';
import { linkNames } from './links.ts';

const DEVICES = '/run/NetworkManager/devices';
const CONNECTIONS = ['/etc', '/run', '/usr/lib'].map((folder) => `${folder}/NetworkManager/system-connections`);

export function networkManagerSysctls(host: Host): ProgramSysctl[] {
  const devices = host.list(DEVICES);
  if (devices.length === 0) return [];
  const names = linkNames(host);
  const connections = CONNECTIONS.flatMap((folder) =>
    host.list(folder).map((file) => iniLines(host, `${folder}/${file}`)),
  );
  return devices.flatMap((index) => {
    const device = iniLines(host, `${DEVICES}/${index}`);
    const name = names.get(index);
    const uuid = settingOf(device, 'device', 'connection-uuid')?.value;
    if (name === undefined || uuid === undefined) return [];
    const connection = connections.find((lines) => settingOf(lines, 'connection', 'uuid')?.value === uuid) ?? [];
    const method = settingOf(connection, 'ipv6', 'method');
    if (/^(ignore|disabled)$/.test(method?.value ?? '')) return [];
    const { file, line } = method ?? connection[0] ?? { file: `${DEVICES}/${index}`, line: 1 };
    return [{ path: `net/ipv6/conf/${name}/accept_ra`, value: '0', file, line, program: 'NetworkManager' }];
  });
}

function settingOf(lines: readonly IniLine[], section: string, key: string): IniLine | undefined {
  return lines.findLast((line) => line.section === section && line.key === key);
}
