/** Whether changes may stop packets on their way, without another way in the kernel (Touches in judgement.ts). */
import { sysctlPath } from '../../config/notation/sysctl-keys.ts';
import type { Finding } from '../../hold/resource.ts';

/** Sizes of tables and buffers, which let packets through as before. */
const SIZES =
  /\/(gc_thresh\d?|gc_interval|gc_timeout|max_size|[rw]mem(_\w+)?|optmem_max|netdev_\w+|somaxconn|\w*_max|\w*_backlog|udp_mem|tcp_mem)$/;

/** What a DHCP client's files say of routes and MTUs. */
const OF_LEASE = /router|gateway|mtu|classless|UseRoutes|ignore/i;

export function touchesPath(findings: readonly Finding[]): boolean {
  return findings.some(({ kind, resource, key, wanted, actual }) => {
    if (kind === 'sysctl') {
      const path = sysctlPath(key);
      return path.startsWith('net/') && !SIZES.test(path);
    }
    if (kind === 'table') return resource === 'masquerade';
    if (kind === 'route') return /\bmtu\b/.test(`${wanted} ${actual}`);
    if (kind !== 'file') return false;
    const before = new Set((actual ?? '').split('\n'));
    const after = new Set((wanted ?? '').split('\n'));
    return [...before.symmetricDifference(after)].some((line) => OF_LEASE.test(line));
  });
}
