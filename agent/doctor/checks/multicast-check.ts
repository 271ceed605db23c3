/** Obstacles that keep an expected multicast group from this host, or keep Holdfast from seeing that. */
import { familyOf } from '../../address/address.ts';
import { nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { joinedGroups } from '../../host/kernel/multicast.ts';
import { RUN_FOLDER } from '../../host/paths.ts';
import type { DoctorObservation, DoctorSurroundings } from '../doctor-check.ts';

const PERL = '/usr/bin/perl';
/** linux/capability.h */
const CAP_NET_RAW = 13n;

export function* multicastCheck({ host, groups }: DoctorSurroundings): Iterable<DoctorObservation> {
  if (!host.live || groups.length === 0) return;
  for (const { group, dev } of groups) {
    const joined = joinedGroups(host, familyOf(group))?.get(dev)?.groups ?? [];
    if (!joined.includes(group)) yield { code: 'HF-MULTICAST-NOT-JOINED', seen: `${group} is not joined on ${dev}` };
  }
  const ipv4 = [...new Set(groups.filter(({ group }) => familyOf(group) === 'ipv4').map(({ dev }) => dev))];
  for (const dev of new Set(groups.map((one) => one.dev))) yield* bridge(host, dev);
  for (const dev of ipv4) {
    const strict = ['all', dev].filter((one) => host.sysctl(`net/ipv4/conf/${one}/rp_filter`) === '1');
    const loose = ['all', dev].some((one) => host.sysctl(`net/ipv4/conf/${one}/rp_filter`) === '2');
    if (strict.length > 0 && !loose) {
      yield {
        code: 'HF-MULTICAST-RP-FILTER',
        seen: `net.ipv4.conf.${strict[0]}.rp_filter is 1, which holds for ${dev}`,
      };
    }
  }
  const deaf = ipv4.length === 0 ? null : whyDeaf(host);
  if (deaf !== null) yield { code: 'HF-MULTICAST-UNHEARD', seen: deaf };
}

/** The interface may be a bridge of this host, or a port of a bridge: in that case this host is the switch. */
function* bridge(host: Host, dev: string): Iterable<DoctorObservation> {
  for (const path of [`/sys/class/net/${dev}/bridge`, `/sys/class/net/${dev}/master/bridge`]) {
    const says = (name: string) => nullIfRefused(() => host.readText(`${path}/${name}`))?.trim();
    if (says('multicast_snooping') === '1' && says('multicast_querier') === '0') {
      const which = path.includes('/master/') ? `the bridge that ${dev} is a port of` : `the bridge ${dev}`;
      yield { code: 'HF-MULTICAST-BRIDGE', seen: `${which} snoops, and is not a querier` };
    }
  }
}

/** null if the daemon can hear IGMP, or no daemon runs. */
function whyDeaf(host: Host): string | null {
  if (host.stat(PERL) === null) return `there is no ${PERL}`;
  const pid = Number.parseInt(nullIfRefused(() => host.readText(`${RUN_FOLDER}/daemon`)) ?? '', 10);
  const bounds = Number.isNaN(pid) ? null : /CapBnd ([0-9a-f]+)/.exec(host.originOf(pid)?.confinement ?? '')?.[1];
  if (bounds === null || bounds === undefined) return null;
  return (BigInt(`0x${bounds}`) >> CAP_NET_RAW) & 1n ? null : `the daemon (process ${pid}) has no CAP_NET_RAW`;
}
