/** Asks a running dhcpcd for the values of an older dhcpcd.conf. */
import type { Host } from '../../host/host.ts';
import type { StagedFile } from '../stage-plan.ts';
import { DHCPCD_CONF, printedLeases } from './running.ts';

/**
 * dhcpcd.conf as the running dhcpcd remembers it, as far as dhcpcd says: `dhcpcd -U` prints the lease's options, and then
 * the values of `static` that take their place. null if dhcpcd does not answer.
 */
export function rememberedConf(
  host: Host,
  { family, iface, started }: { readonly family: readonly string[]; readonly iface: string; readonly started: number },
): StagedFile | null {
  const printed = printedLeases(host, iface, family);
  if (printed === null) return null;
  const text = host.readText(DHCPCD_CONF) ?? '';
  const modified = host.stat(DHCPCD_CONF)?.mtimeMs ?? started;
  const lines = [...rememberedValues(printed)].map(([name, value]) => `static ${name}=${value}\n`);
  return {
    path: DHCPCD_CONF,
    text: `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}interface ${iface}\n${lines.join('')}`,
    // dhcpcd compares the file's time in seconds when it reads the file again.
    changed: modified > started ? started - 2000 : modified,
  };
}

/** Variables that dhcpcd makes itself or has by IPv6, and those whose `static` also makes addresses and routes. */
const NOT_STATIC =
  /^(reason|interface|protocol|pid|if\w+|ip_address|subnet_\w+|broadcast_address|network_number|dhcp6?_\w+|nd\d+_\w+|routers|\w*static_routes|interface_mtu)$/;

/**
 * The options by name. The last value of a name counts. A value with a line break or another control character is none
 * that the file could have had.
 */
export function rememberedValues(printed: string): Map<string, string> {
  const found = printed.split('\n').flatMap((line): [string, string][] => {
    const [, name, value = ''] = /^(?:new_)?([a-z][a-z0-9_]*)=(.*)$/.exec(line) ?? [];
    if (name === undefined || NOT_STATIC.test(name) || /[^\x20-\x7e]/.test(value)) return [];
    return [[name, value]];
  });
  return new Map(found);
}
