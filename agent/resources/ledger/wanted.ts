/** Which tables the ledger needs. */
import type { IpAddress } from '../../address/accepted.ts';
import type { DesiredLedger } from '../../config/desired.ts';
import type { LedgerScope } from '../../depends/ledger/table-text.ts';

/** What each table counts: for `all` every server, for `retire` the configured addresses. */
export type WantedTables = ReadonlyMap<LedgerScope, readonly IpAddress[]>;

export function wantedTables({ mode, retire }: DesiredLedger): WantedTables {
  return new Map([
    ...(mode === 'always' ? [['all', []] as const] : []),
    ...(mode !== 'off' && retire.length > 0 ? [['retire', retire] as const] : []),
  ]);
}
