/** How the programs that held `dns.split` forget it. */
import type { Undoing } from '../../hold/undoing.ts';
import type { Host } from '../../host/host.ts';
import { SPLIT_FILE } from './split-view.ts';

export const SPLIT_UNDOING: Undoing = { told: tellOfSplitFiles };

/** Tells every running forwarder of this host that these files were put back, or are gone. */
export async function tellOfSplitFiles(host: Host, files: readonly string[]): Promise<void> {
  const ours = files.filter((file) => file.includes(SPLIT_FILE));
  if (ours.length > 0 && host.live) await (await import('./tell-of-files.ts')).tellForwarders(host, ours);
}
