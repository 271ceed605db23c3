/** Resolver libraries that do not take from resolv.conf what glibc takes. */
import type { Host } from '../host/host.ts';
import { caresForDns, type Seen, type Surroundings } from './check.ts';

export function* libc(around: Surroundings): Iterable<Seen> {
  if (!caresForDns(around)) return;
  const { host, desired } = around;
  const sortlist = desired?.dns?.sortlist ?? [];
  if (sortlist.length > 0) {
    yield {
      code: 'HF-LIBC-SORTLIST',
      seen: `dns.sortlist has ${sortlist.length} network${sortlist.length > 1 ? 's' : ''}`,
    };
    const musl = host.list('/lib').find((name) => /^ld-musl-.+\.so\.1$/.test(name));
    if (musl !== undefined) yield { code: 'HF-LIBC-MUSL', seen: `/lib/${musl} is installed` };
  }
  const cares = caresLibrary(host);
  if (cares !== undefined) yield { code: 'HF-LIBC-CARES', seen: `${cares} is installed` };
}

/** Debian's and RHEL's folders; programs that carry the library inside (Node) are not seen. */
function caresLibrary(host: Host): string | undefined {
  const multiarch = host.list('/usr/lib').filter((name) => name.endsWith('-linux-gnu'));
  return [...multiarch.map((name) => `/usr/lib/${name}`), '/usr/lib64', '/usr/lib']
    .map((folder) => `${folder}/libcares.so.2`)
    .find((file) => host.stat(file) !== null);
}
