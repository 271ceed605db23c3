/** Whether changes may stop packets on their way, or change what names mean (Touches in judgement.ts). */
import { sysctlPath } from '../../config/notation/sysctl-keys.ts';
import type { Finding } from '../../hold/resource.ts';
import type { TrialRecord } from './trial-record.ts';

/** Sizes of tables and buffers. A table that grows lets packets through as before; a small one is full, and drops them. */
const SIZES =
  /\/(gc_thresh\d?|gc_interval|gc_timeout|max_size|((tcp|udp)_)?[rw]mem(_\w+)?|optmem_max|netdev_\w+|somaxconn|\w*_max|\w*_backlog|udp_mem|tcp_mem)$/;

/** Sysctls that stop no packet of a new connection, whatever their value. */
const HARMLESS =
  /\/(log_martians|default_qdisc|tcp_(congestion_control|fin_timeout|keepalive_\w+|no_metrics_save|slow_start_after_idle|tw_reuse))$/;

/** Words for routes and MTUs in the files of a DHCP client. */
const OF_LEASE = /router|gateway|mtu|classless|UseRoutes|ignore/i;

const OF_NAMES = /dns|domain|host|name|resolv|search/i;

/** Whether the changes may stop packets although the kernel's way stays the same. */
export function touchesPath(findings: readonly Finding[]): boolean {
  return findings.some(({ kind, resource, key, wanted, actual }) => {
    if (kind === 'sysctl') {
      const path = sysctlPath(key);
      if (!path.startsWith('net/') || HARMLESS.test(path)) return false;
      return !SIZES.test(path) || shrinks(wanted, actual);
    }
    if (kind === 'table') return resource === 'masquerade';
    // A rule is about packets of some sources, marks or interfaces, and the look at the kernel's way asks without these.
    if (kind === 'rule') return true;
    if (kind === 'route') return /\bmtu\b/.test(`${wanted} ${actual}`);
    return changedLines({ kind, wanted, actual }).some((line) => OF_LEASE.test(line));
  });
}

/** Resources that make or move routes of the kernel. */
const OF_ROUTES = ['routes', 'egress'];

/** Whether the kernel's ways may be others by this change: it touches routes, or what may stop packets. */
export function mayMoveWays({ resources, path }: Pick<TrialRecord, 'resources' | 'path'>): boolean {
  return path || resources.some((name) => OF_ROUTES.includes(name));
}

/** Links get other name servers. A file may say more than its lines that differ, as resolv.conf does. */
export function touchesNames(findings: readonly Finding[]): boolean {
  return findings.some((finding) => {
    if (finding.kind === 'link') return true;
    return changedLines(finding).some((line) => OF_NAMES.test(`${finding.key} ${line}`));
  });
}

function changedLines({ kind, wanted, actual }: Pick<Finding, 'kind' | 'wanted' | 'actual'>): string[] {
  if (kind !== 'file') return [];
  const before = new Set((actual ?? '').split('\n'));
  return [...before.symmetricDifference(new Set((wanted ?? '').split('\n')))];
}

function shrinks(wanted: string | null, actual: string | null): boolean {
  const before = numbersIn(actual);
  return numbersIn(wanted).some((number, nth) => number < (before[nth] ?? 0));
}

function numbersIn(text: string | null): number[] {
  return (text ?? '').split(/\s+/).map(Number);
}
