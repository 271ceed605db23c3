/**
 * The programs on this host that obey sortlist, and resolver libraries that read resolv.conf in another way than glibc.
 */
import type { Host } from '../../host/host.ts';
import { readAsLibc } from '../../resolver/libc-reading.ts';
import { RESOLV_CONF } from '../../resolver/resolv-conf.ts';
import { caresForDns, type DoctorObservation, type DoctorSurroundings } from '../doctor-check.ts';
import { hostsLine } from './name-service-check.ts';

export function* libcCheck(around: DoctorSurroundings): Iterable<DoctorObservation> {
  if (!caresForDns(around)) return;
  const { host, desired } = around;
  const sortlist = desired?.dns?.sortlist ?? [];
  if (sortlist.length > 0) {
    yield obeyed(host, sortlist.length);
    const musl = host.list('/lib').find((name) => /^ld-musl-.+\.so\.1$/.test(name));
    if (musl !== undefined) yield { code: 'HF-LIBC-MUSL', seen: installed(host, `/lib/${musl}`) };
  }
  const cares = caresLibrary(host);
  if (cares !== undefined) yield { code: 'HF-LIBC-CARES', seen: installed(host, cares) };
  const line = readAsLibc(host.readTextUnlessAstray(RESOLV_CONF) ?? '').lines.find(({ keyword, values }) => {
    return keyword === 'options' && values.includes('no-reload');
  });
  if (line !== undefined)
    yield { code: 'HF-LIBC-NO-RELOAD', seen: `${RESOLV_CONF}:${line.line}: options ${line.values.join(' ')}` };
}

/** glibc sorts only the answers of its `dns` service. It leaves answers of other services as they are. */
function obeyed(host: Host, entries: number): DoctorObservation {
  const has = `dns.sortlist has ${entries} ${entries === 1 ? 'entry' : 'entries'}`;
  const line = hostsLine(host);
  const nobody = (why: string): DoctorObservation => {
    const seen = `${has}; on this host nobody obeys it: ${line?.at} ${why}`;
    return { code: 'HF-LIBC-SORTLIST', seen, severity: 'warning' };
  };
  if (line?.before.includes('resolve')) return nobody('has systemd-resolved (resolve) answer before dns');
  if (line && !line.dns) return nobody('has no dns');
  return { code: 'HF-LIBC-SORTLIST', seen: `${has}; on this host gethostbyname and \`getent hosts\` obey it` };
}

/** Names the programs that use the library now. Only root can see the processes of other users. */
function installed(host: Host, library: string): string {
  const users = host.usersOf(library);
  const more = users.length > MOST_USERS ? ` and ${users.length - MOST_USERS} more` : '';
  return `${library} is installed${users.length === 0 ? '' : `; ${users.slice(0, MOST_USERS).join(', ')}${more} run with it`}`;
}

const MOST_USERS = 5;

/** The folders of Debian and RHEL. Programs with a built-in library (Node) are not visible. */
function caresLibrary(host: Host): string | undefined {
  const multiarch = host.list('/usr/lib').filter((name) => name.endsWith('-linux-gnu'));
  return [...multiarch.map((name) => `/usr/lib/${name}`), '/usr/lib64', '/usr/lib']
    .map((folder) => `${folder}/libcares.so.2`)
    .find((file) => host.stat(file) !== null);
}
