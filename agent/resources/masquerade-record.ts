/** What is known of our nftables table: it lives in /run, and so as long as the table does. */
import { RUN_FOLDER } from '../host/folders.ts';
import type { Host } from '../host/host.ts';

const RECORD = `${RUN_FOLDER}/masquerade`;

export interface MasqueradeRecord {
  /** What nft(8) was given. */
  readonly rules: string;
  /** What the kernel had then (tableIdentity); null: it was not seen. */
  readonly identity: string | null;
}

/** Whether there is, or may be, a table of ours. */
export function isMasqueradeLeft(host: Host): boolean {
  return host.lstat(RECORD) !== null;
}

/** null: there is none, or it says nothing any more. Only root writes there. */
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
