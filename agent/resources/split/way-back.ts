/** How the programs that held `dns.split` forget it. */
import { fileLeftover } from '../../hold/files/file-revert.ts';
import type { OriginalFile } from '../../hold/originals/originals.ts';
import type { Leftover, Undoing } from '../../hold/undoing.ts';
import type { Host } from '../../host/host.ts';
import { isOfResolved, SPLIT_FILE } from './split-view.ts';

export const SPLIT_UNDOING: Undoing = { file: splitLeftover, told: tellOfSplitFiles };

/** systemd-resolved forgets our servers only at its next start, which the outcome says. */
function splitLeftover(host: Host, original: OriginalFile): Leftover {
  const leftover = fileLeftover(host, original);
  if (!isOfResolved(original.key)) return leftover;
  const putBack = async () => {
    const outcomes = await leftover.putBack();
    const reason = (await import('./resolved-split.ts')).stillSplits(host, original.key, original.after);
    return reason === null ? outcomes : outcomes.map((outcome) => ({ ...outcome, reason }));
  };
  return { ...leftover, putBack };
}

/** Tells every running forwarder of this host that these files were put back, or are gone. */
export async function tellOfSplitFiles(host: Host, files: readonly string[]): Promise<void> {
  const ours = files.filter((file) => file.includes(SPLIT_FILE));
  if (ours.length > 0 && host.live) await (await import('./tell-of-files.ts')).tellForwarders(host, ours);
}
