/**
 * The kernel settings that ifupdown itself writes when it brings an inet6 interface up (its inet6.defn; every value was
 * seen with `ifup --no-act -v` of 0.8.41). For two methods it writes accept_ra even if the stanza does not name it.
 */
import type { Host } from '../../../host/host.ts';
import { interfacesFile } from './interfaces-file.ts';
import type { Assignment } from './sysctl-files.ts';

/** What each method writes without an option. */
const DEFAULTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  auto: { accept_ra: '2', autoconf: '1' },
  static: { autoconf: '0' },
  dhcp: { accept_ra: '1' },
};

/** The options of interfaces(5), and the key below net/ipv6/conf/IFACE. */
const OPTIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  auto: { privext: 'use_tempaddr', accept_ra: 'accept_ra' },
  static: { privext: 'use_tempaddr', accept_ra: 'accept_ra', autoconf: 'autoconf' },
  dhcp: { accept_ra: 'accept_ra', autoconf: 'autoconf' },
};

export function ifupdownSysctls(host: Host): Assignment[] {
  const { automatic, stanzas } = interfacesFile(host);
  return stanzas.flatMap(({ iface, family, method, file, line, options }) => {
    const keys = OPTIONS[method];
    if (family !== 'inet6' || keys === undefined || !automatic.has(iface)) return [];
    const written = new Map<string, Assignment>();
    const write = (key: string, value: string, at: { file: string; line: number }) =>
      written.set(key, { path: `net/ipv6/conf/${iface}/${key}`, value, ...at, program: 'ifupdown' });
    for (const [key, value] of Object.entries(DEFAULTS[method] ?? {})) write(key, value, { file, line });
    for (const option of options) {
      const key = keys[option.name];
      if (key !== undefined) write(key, option.value, { file: option.file, line: option.line });
    }
    return [...written.values()];
  });
}
