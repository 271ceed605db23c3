/** Our table of nftables as it is, and how it comes back. */
import type { Host } from '../../host/host.ts';
import { nft } from '../../host/kernel/nft.ts';
import { tableIdentity } from '../../host/netlink/nftables/nftables.ts';
import { forgetMasquerade, type MasqueradeRecord, OUR_TABLE, readMasquerade, writeMasquerade } from './made.ts';
import { REMOVED } from './table.ts';

/** Milliseconds for the kernel's answer. */
const TIME_LIMIT = 10_000;

interface TableSnapshot {
  /** In the notation of nft(8); null if there is no table. */
  readonly rules: string | null;
  readonly identity: string | null;
  readonly record: MasqueradeRecord | null;
}

export async function tableSnapshot(host: Host): Promise<TableSnapshot> {
  const identity = await tableIdentity(OUR_TABLE, AbortSignal.timeout(TIME_LIMIT));
  const listed = identity === null ? null : host.run('nft', ['-s', 'list', 'table', 'inet', OUR_TABLE]);
  return { rules: listed?.status === 0 ? listed.stdout : null, identity, record: readMasquerade(host) };
}

export async function putBackTable(host: Host, snapshot: unknown, kernel: boolean): Promise<string | null> {
  // The record is in /run, and a reboot has removed it together with the table.
  if (!kernel) return null;
  const { rules, identity, record } = snapshot as TableSnapshot;
  const look = () => tableIdentity(OUR_TABLE, AbortSignal.timeout(TIME_LIMIT));
  if ((await look()) !== identity) {
    const problem = nft(host, `${REMOVED}${rules ?? ''}`);
    if (problem !== null) return problem;
  }
  if (record === null) forgetMasquerade(host);
  else writeMasquerade(host, record.identity === identity ? { ...record, identity: await look() } : record);
  return null;
}
