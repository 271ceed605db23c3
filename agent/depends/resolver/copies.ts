/** Copies of resolv.conf in the chroots and containers that do not run: the next start of a program there reads them. */
import type { Host } from '../../host/host.ts';
import { containerText } from '../../host/process/container-names.ts';
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
  '/run/containers/storage/overlay-containers/*/userdata/resolv.conf',
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
          const { address, line, reason } = one;
          return { ...common, address, ...ownerOf(host, path), where: `${path}:${line}`, reason };
        }),
      );
      return { found, unseen: unread.map((reason) => ({ ...common, reason })) };
    },
  };
}

interface Owner {
  readonly who: string;
  readonly cure: string;
}

function ownerOf(host: Host, path: string): Owner {
  const cure = `copy the host's resolv.conf there, or remove the copy if nothing uses it: ${path}`;
  const [, folder, id] = /\/(docker\/containers|overlay-containers)\/([^/]+)\//.exec(path) ?? [];
  if (id !== undefined) {
    const engine = folder === 'overlay-containers' ? 'podman' : 'docker';
    const who = `${containerText(host, { engine, id })} at its next start`;
    return { who, cure: ENGINE_CURE };
  }
  const namespace = /^\/etc\/netns\/([^/]+)\//.exec(path)?.[1];
  if (namespace !== undefined) return { who: `programs that \`ip netns exec ${namespace}\` starts`, cure };
  if (path.startsWith('/var/spool/postfix')) return { who: 'Postfix in its chroot', cure };
  return { who: `programs in ${path.replace(/\/etc\/resolv\.conf$/, '')}`, cure };
}

const ENGINE_CURE =
  "start the container again: its engine then copies the host's name servers, unless it was made with servers of its own (--dns), and must be made anew";
