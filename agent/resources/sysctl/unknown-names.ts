/**
 * Sysctls whose value is a name that the kernel looks up. For an unknown name the kernel answers ENOENT, as for a
 * missing file (Linux: tcp_cong.c, sch_api.c).
 */
import { errorCode, nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';

interface Kind {
  /** "congestion control". */
  readonly what: string;
  /** Path below /proc/sys of the list of known names; null if the kernel has none. */
  readonly list: string | null;
  /** The module that brings a name. */
  readonly module: (name: string) => string;
}

const CONGESTION: Kind = {
  what: 'congestion control',
  list: 'net/ipv4/tcp_available_congestion_control',
  module: (name) => `tcp_${name}`,
};
const KINDS: Readonly<Record<string, Kind>> = {
  'net/ipv4/tcp_congestion_control': CONGESTION,
  'net/ipv4/tcp_allowed_congestion_control': CONGESTION,
  'net/core/default_qdisc': { what: 'queueing discipline', list: null, module: (name) => `sch_${name}` },
};

/** Why the kernel refused to write these names; null if the error says it better. */
export function whyUnknownName(host: Host, path: string, written: string, error: unknown): string | null {
  const kind = KINDS[path];
  if (kind === undefined || errorCode(error) !== 'ENOENT') return null;
  const { what, list, module } = kind;
  const known = list === null ? null : nullIfRefused(() => host.sysctl(list));
  const names = written.split(/\s+/).filter((name) => name !== '' && !known?.split(/\s+/).includes(name));
  const unknown = names.length === 0 ? [written] : names;
  const available = known === null ? '' : `; it has ${known.trim().replaceAll(/\s+/g, ', ')}`;
  const quoted = unknown.map((name) => `"${name}"`).join(', ');
  return `this kernel has no ${what} ${quoted}${available}. Load its module (modprobe ${unknown.map(module).join(' ')}), or configure another name`;
}
