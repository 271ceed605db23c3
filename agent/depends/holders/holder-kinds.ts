/** Programs that read resolv.conf once and keep its servers. Sources: their code and trackers (docs/depends.md). */
import type { Program } from '../../host/process/programs.ts';

/** Soname minor of the first c-ares that can read again: 1.22.0 is libcares.so.2.9.0. */
const REREADING_CARES = 9;
/** glibc reads resolv.conf again since 2.26. */
const REREADING_GLIBC = 26;

const BY_NAME: Readonly<Record<string, string>> = {
  node: 'Node keeps the servers of its start in dns.resolve() (dns.lookup() does not)',
  nodejs: 'Node keeps the servers of its start in dns.resolve() (dns.lookup() does not)',
  envoy: 'Envoy reads resolv.conf again only after errors',
  coredns: 'CoreDNS reads the file of "forward" only when it starts',
  'aardvark-dns': 'aardvark-dns (below 1.17) reads resolv.conf again only when a container starts or stops',
  traffic_server: 'Traffic Server reads resolv.conf only when it starts',
  squid: 'Squid without dns_nameservers reads resolv.conf only when it starts',
  haproxy: 'HAProxy with parse-resolv-conf reads resolv.conf only when it starts',
};

/**
 * Why this program may keep the servers that it read when it started; null if it is not known to. `maps`: the text of
 * proc_pid_maps(5).
 * @param noReload resolv.conf has `options no-reload`.
 */
export function keepsServers({ executable, comm }: Program, maps: string, noReload: boolean): string | null {
  const file = (executable ?? '').replace(/ \(deleted\)$/, '').replace(/^.*\//, '');
  const byName = BY_NAME[file] ?? BY_NAME[comm];
  if (byName !== undefined) return byName;
  if (/\/libnode\.so\./.test(maps)) return BY_NAME.node!;
  const cares = /\/libcares\.so\.2(?:\.(\d+)\.\d+)?(?: \(deleted\))?$/m.exec(maps);
  if (cares !== null) {
    const never = cares[1] !== undefined && Number(cares[1]) < REREADING_CARES;
    return never
      ? 'its c-ares (below 1.22) never reads resolv.conf again'
      : 'its c-ares reads resolv.conf again only if the program asks for it';
  }
  const glibc = /\/libc-2\.(\d+)\.so(?: \(deleted\))?$/m.exec(maps)?.[1];
  if (glibc !== undefined && Number(glibc) < REREADING_GLIBC)
    return `its glibc 2.${glibc} reads resolv.conf only once (unless the distribution patched it)`;
  if (noReload && /\/libc(?:-2\.\d+)?\.so(?:\.6)?(?: \(deleted\))?$/m.test(maps))
    return '`options no-reload` in resolv.conf keeps it from reading the file again';
  return null;
}
