/** The record of our nftables table. It is in /run, so it lives as long as the table. */
import type { Host } from '../../host/host.ts';
import { RUN_FOLDER } from '../../host/paths.ts';

export const OUR_TABLE = 'holdfast';
/** The key in findings and outcomes. */
export const TABLE_KEY = `nftables table inet ${OUR_TABLE}`;

const RECORD = `${RUN_FOLDER}/masquerade`;

export interface MasqueradeRecord {
  /** The rules that nft(8) got. */
  readonly rules: string;
  /** The kernel's table at that time (tableIdentity); null if it was not seen. */
  readonly identity: string | null;
}

/** Whether a table of ours exists, or may exist. */
export function isMasqueradeLeft(host: Host): boolean {
  return host.lstat(RECORD) !== null;
}

/** The record; null if there is none, or it cannot be read. Only root writes in that folder. */
export function readMasquerade(host: Host): MasqueradeRecord | null {
  try {
    const { rules, identity } = JSON.parse(host.readText(RECORD) ?? 'null') as MasqueradeRecord;
    return { rules, identity };
  } catch {
    return null;
  }
}

export function writeMasquerade(host: Host, record: MasqueradeRecord): void {
  host.makeFolder(RUN_FOLDER, 0o755);
  host.replaceOwn(RECORD, `${JSON.stringify(record)}\n`, 0o600);
}

export function forgetMasquerade(host: Host): void {
  host.remove(RECORD);
}
