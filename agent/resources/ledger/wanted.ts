/** Which tables the ledger needs on this host. */
import type { DesiredLedger, LedgerMode } from '../../config/desired.ts';
import { readLedgerRecord } from '../../depends/ledger/record.ts';
import type { LedgerScope } from '../../depends/ledger/table-text.ts';
import type { Host } from '../../host/host.ts';
import { hasNft } from '../../host/nft.ts';

/** What each table counts: for `all` every server, for `retire` the configured addresses. */
export type WantedTables = ReadonlyMap<LedgerScope, readonly string[]>;

/**
 * The operator's mode, or the host's own: a host that forwards counts only the addresses of `retire`, because the
 * tables cost each forwarded packet some nanoseconds (docs/ledger.md).
 */
export function ledgerMode(host: Host, { mode }: DesiredLedger): LedgerMode {
  return mode ?? (forwards(host) ? 'retiring' : 'always');
}

/** Only the daemon counts every server unasked: a single apply changes nothing that the configuration does not name. */
export function wantedTables(host: Host, wanted: DesiredLedger, { lasting }: { lasting: boolean }): WantedTables {
  const mode = ledgerMode(host, wanted);
  if (mode === 'off') return new Map();
  const isAsked =
    wanted.mode === 'always' ||
    (mode === 'always' && (lasting ? canCount(host) : readLedgerRecord(host).all !== undefined));
  return new Map([
    ...(isAsked ? [['all', []] as const] : []),
    ...(wanted.retire.length > 0 ? [['retire', wanted.retire] as const] : []),
  ]);
}

/** Without nft the ledger stays off, unless the configuration names it: then the lack is a failure. */
function canCount(host: Host): boolean {
  return host.live && process.geteuid?.() === 0 && hasNft(host);
}

function forwards(host: Host): boolean {
  return ['net/ipv4/ip_forward', 'net/ipv6/conf/all/forwarding'].some((key) => host.live && host.sysctl(key) === '1');
}
