/** Copies of resolv.conf in the chroots and containers that do not run: the next start of a program there reads them. */
import type { Dependence, DependsSource } from '../dependence.ts';
import { ofHost, readFiles } from '../files.ts';
import type { Surroundings } from '../surroundings.ts';
import { named } from './resolv-conf-source.ts';

/** The places that packages and engines use. */
export const COPIES = [
  '/etc/netns/*/resolv.conf',
  '/var/spool/postfix*/etc/resolv.conf',
  '/var/named/chroot/etc/resolv.conf',
  '/var/lib/named/etc/resolv.conf',
  '/var/chroot/*/etc/resolv.conf',
  '/srv/chroot/*/etc/resolv.conf',
  '/var/lib/machines/*/etc/resolv.conf',
  '/var/lib/lxc/*/rootfs/etc/resolv.conf',
  '/var/lib/docker/containers/*/resolv.conf',
  '/var/lib/containers/storage/overlay-containers/*/userdata/resolv.conf',
];

export function copiesSource({ host }: Surroundings): DependsSource {
  const common = { tense: 'boot', source: 'copies of resolv.conf' } as const;
  return {
    name: common.source,
    tense: common.tense,
    async look(addresses) {
      const { files, unread } = readFiles(ofHost(host), COPIES);
      const found = files.flatMap(({ path, text }) =>
        named(text, addresses).map((one): Dependence => {
          const cure = `copy the host's resolv.conf there, or remove the copy if nothing uses it: ${path}`;
          return {
            ...common,
            address: one.address,
            who: ownerOf(path),
            where: `${path}:${one.line}`,
            reason: one.reason,
            cure,
          };
        }),
      );
      return { found, unseen: unread.map((reason) => ({ ...common, reason })) };
    },
  };
}

function ownerOf(path: string): string {
  const container = /\/(?:containers|overlay-containers)\/([^/]+)\//.exec(path)?.[1];
  if (container !== undefined) return `container ${container.slice(0, 12)} at its next start`;
  const namespace = /^\/etc\/netns\/([^/]+)\//.exec(path)?.[1];
  if (namespace !== undefined) return `programs that \`ip netns exec ${namespace}\` starts`;
  return path.startsWith('/var/spool/postfix')
    ? 'Postfix in its chroot'
    : `programs in ${path.replace(/\/etc\/resolv\.conf$/, '')}`;
}
