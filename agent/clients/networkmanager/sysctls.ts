/**
 * The kernel settings that NetworkManager writes for a device each time that it activates a connection, because it
 * handles router advertisements itself. Every value was seen with NetworkManager 1.42 in a network namespace, by the
 * connection's `ipv6.method`. It also makes a strict rp_filter loose as long as the device has a default route, or
 * routes that another device also has (ip4_rp_filter_update in its nm-device.c).
 */
import { nullIfRefused } from '../../host/errors.ts';
import { type IniLine, iniLines } from '../../host/files/ini.ts';
import type { Host } from '../../host/host.ts';
import type { ProgramSysctl } from '../client-sysctl.ts';
import { linkNames } from '../link-names.ts';

const DEVICES = '/run/NetworkManager/devices';
const CONNECTIONS = ['/etc', '/run', '/usr/lib'].map((folder) => `${folder}/NetworkManager/system-connections`);

type Values = Readonly<Record<string, string>>;

const ACTS: Values = { accept_ra: '0', forwarding: '0', addr_gen_mode: '1', disable_ipv6: '0' };
const OF_METHODS: Readonly<Record<string, Values>> = {
  ignore: { addr_gen_mode: '0' },
  disabled: { ...ACTS, disable_ipv6: '1' },
  shared: { ...ACTS, forwarding: '1' },
};

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
    // The connection only shows the configuration of another program.
    if (settingOf(connection, '.nmmeta', 'external')?.value === 'true') return [];
    const method = settingOf(connection, 'ipv6', 'method');
    const privacy = settingOf(connection, 'ipv6', 'ip6-privacy');
    const { file, line } = method ?? connection[0] ?? { file: `${DEVICES}/${index}`, line: 1 };
    const temporary = /^[012]$/.test(privacy?.value ?? '') ? privacy?.value : defaultPrivacy(host);
    const values = Object.entries(OF_METHODS[method?.value ?? ''] ?? ACTS);
    const common = { file, line, program: 'NetworkManager' } as const;
    const loose = { ...common, path: `net/ipv4/conf/${name}/rp_filter`, value: '2', maybe: true, over: '1' } as const;
    const hasIpv4 = settingOf(connection, 'ipv4', 'method')?.value !== 'disabled';
    return [
      ...[...values, ...(temporary === undefined ? [] : [['use_tempaddr', temporary] as const])].map(
        ([key, value]) => ({ ...common, path: `net/ipv6/conf/${name}/${key}`, value }),
      ),
      ...(hasIpv4 ? [loose] : []),
    ];
  });
}

/**
 * NetworkManager's default for temporary addresses if no file sets it (nm-settings-nmcli(5)); undefined if the default
 * is not visible.
 */
function defaultPrivacy(host: Host): string | undefined {
  return (host.live && nullIfRefused(() => host.sysctl('net/ipv6/conf/default/use_tempaddr'))) || undefined;
}

function settingOf(lines: readonly IniLine[], section: string, key: string): IniLine | undefined {
  return lines.findLast((line) => line.section === section && line.key === key);
}
