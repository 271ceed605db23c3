/**
 * The kernel settings that dhcpcd writes each time that it takes an interface into use, because it handles router
 * advertisements and link-local addresses itself (if_setup_inet6 in its if-linux.c). Every value was seen with dhcpcd
 * 9.4.1 in a network namespace, by the statements of dhcpcd.conf. The values stay when dhcpcd ends.
 */
import type { Host } from '../../host/host.ts';
import type { ProgramSysctl } from '../client-sysctl.ts';
import { BLOCKS, options } from './conf-statements.ts';
import { DHCPCD_CONF, dhcpcdHolders } from './running.ts';

export function dhcpcdSysctls(host: Host): ProgramSysctl[] {
  const holders = dhcpcdHolders(host);
  if (holders.length === 0) return [];
  const text = host.readText(DHCPCD_CONF) ?? '';
  const names = holders.flatMap(({ interfaces }) => (interfaces === 'all' ? [] : interfaces));
  return [...new Set(names)].flatMap((name) => sysctlsOfInterface(text, name));
}

/** @param text of dhcpcd.conf. */
export function sysctlsOfInterface(text: string, name: string): ProgramSysctl[] {
  const { ipv6, advertisements, line } = familyStatements(text, name);
  const values = [
    ['ipv4', 'promote_secondaries', '1'],
    ...(ipv6 ? [['ipv6', 'addr_gen_mode', '1']] : []),
    ...(ipv6 && advertisements ? [['ipv6', 'accept_ra', '0']] : []),
  ];
  return values.map(([family, key, value = '']) => ({
    path: `net/${family}/conf/${name}/${key}`,
    value,
    file: DHCPCD_CONF,
    line,
    program: 'dhcpcd',
  }));
}

/**
 * Whether dhcpcd configures IPv6 on the interface, and acts on router advertisements there; both are the default. `line`
 * is the last statement that decided. A statement below `interface NAME` belongs to that interface only.
 */
function familyStatements(text: string, name: string): { ipv6: boolean; advertisements: boolean; line: number } {
  const found = { ipv6: true, advertisements: true, line: 1 };
  let applies = true;
  for (const { name: option, value, line } of options(text)) {
    if (BLOCKS.has(option)) applies = option === 'interface' && value === name;
    else if (applies && option in STATEMENTS) Object.assign(found, STATEMENTS[option], { line });
  }
  return found;
}

const STATEMENTS: Readonly<Record<string, { readonly ipv6?: boolean; readonly advertisements?: boolean }>> = {
  ipv6: { ipv6: true },
  noipv6: { ipv6: false },
  ipv4only: { ipv6: false },
  ipv6only: { ipv6: true },
  ipv6rs: { advertisements: true },
  noipv6rs: { advertisements: false },
};
