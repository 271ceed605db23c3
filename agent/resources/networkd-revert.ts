/**
 * Takes away what systemd-networkd reads, without arming an outage: before systemd 257 the next `networkctl reload` gives up the
 * lease of a link whose files changed. A file that the running systemd-networkd has read therefore stays until it starts again;
 * the drop-in for its service removes the file then, and goes last.
 */
import { dropInsInUse, isOldDropIn, SERVICE_DROP_IN, SERVICE_DROP_IN_TEXT } from '../clients/networkd-dropin.ts';
import type { Host } from '../host/host.ts';
import { removeWithFolder } from './files.ts';
import { readUnitsAgain } from './networkd-files.ts';
import { type OriginalFile, Originals } from './originals.ts';
import type { Outcome } from './resource.ts';

/** Whether a file that `revert` is to put back is one that systemd-networkd, or its service, reads. */
export function isReadByNetworkd(key: string): boolean {
  return key === SERVICE_DROP_IN || isOldDropIn(key);
}

/** @param putBack does for this file what `revert` does for every other. */
export async function revertNetworkdFile(
  host: Host,
  original: OriginalFile,
  putBack: (original: OriginalFile) => Promise<Outcome>,
): Promise<Outcome> {
  const inUse = dropInsInUse(host);
  if (inUse.length > 0 && host.processes('systemd-network', 'network').length > 0) {
    await seeToNextStart(host);
    const { key } = original;
    const reason = `it stays until systemd-networkd starts again ("systemctl restart systemd-networkd", or a reboot), since a change of ${inUse.join(', ')} would cost the lease at the next "networkctl reload"; then revert again`;
    return { resource: 'revert', key, moment: 'boot', result: 'failed', actual: host.readText(key), reason };
  }
  for (const file of inUse) if (file !== original.key) removeWithFolder(host, file);
  const outcome = await putBack(original);
  if (original.key === SERVICE_DROP_IN) readUnitsAgain(host);
  return outcome;
}

/** The drop-in for the service removes the files: it is there also where an earlier version made the files. */
async function seeToNextStart(host: Host): Promise<void> {
  if (host.readText(SERVICE_DROP_IN) === SERVICE_DROP_IN_TEXT) return;
  await new Originals(host).rememberFile(SERVICE_DROP_IN, SERVICE_DROP_IN_TEXT, 'resolved');
  host.makeFolder(SERVICE_DROP_IN.slice(0, SERVICE_DROP_IN.lastIndexOf('/')), 0o755);
  host.replace(SERVICE_DROP_IN, SERVICE_DROP_IN_TEXT, 0o644);
  readUnitsAgain(host);
}
