/**
 * Removes the files that systemd-networkd reads, without preparing an outage: before systemd 257 the next `networkctl
 * reload` gives up the lease of a link whose files changed. A file that the running systemd-networkd has read therefore
 * stays until the next start. The drop-in for the service removes the file at that start, and goes last.
 */
import { removeWithFolder } from '../../hold/files/apply-file.ts';
import { fileLeftover } from '../../hold/files/file-revert.ts';
import { type OriginalFile, Originals } from '../../hold/originals/originals.ts';
import type { Outcome } from '../../hold/resource.ts';
import type { Leftover } from '../../hold/undoing.ts';
import type { Host } from '../../host/host.ts';
import { type DropInSet, dropInSetOf, dropInsInUse, isOldDropIn } from './drop-in.ts';
import { readUnitsAgain } from './kept-files.ts';

export function networkdFileLeftover(host: Host, original: OriginalFile): Leftover {
  const isService = original.key === dropInSetOf(original.key).service;
  // The drop-in makes systemd-networkd forget the values of the other files.
  const leftover = fileLeftover(host, original, isService ? { turn: 'service files' } : {});
  if (!isService && !isOldDropIn(original.key)) return leftover;
  return { ...leftover, putBack: () => putBack(host, leftover) };
}

async function putBack(host: Host, leftover: Leftover): Promise<Outcome[]> {
  const { key } = leftover;
  const set = dropInSetOf(key);
  const inUse = dropInsInUse(host, set);
  if (inUse.length > 0 && host.processes('systemd-network', 'network').length > 0) {
    await seeToNextStart(host, set);
    const reason = `it stays until systemd-networkd starts again ("systemctl restart systemd-networkd", or a reboot), since a change of ${inUse.join(', ')} would cost the lease at the next "networkctl reload"; then revert again`;
    return [{ resource: 'revert', key, moment: 'boot', result: 'failed', actual: host.readText(key), reason }];
  }
  for (const file of inUse) if (file !== key) removeWithFolder(host, file);
  const outcomes = await leftover.putBack();
  if (key === set.service) readUnitsAgain(host);
  return outcomes;
}

/** The drop-in for the service removes the files. It is needed also if an earlier version made the files. */
async function seeToNextStart(host: Host, { resource, service, serviceText }: DropInSet): Promise<void> {
  if (host.readText(service) === serviceText) return;
  await new Originals(host).rememberFile(service, serviceText, resource);
  host.makeFolder(service.slice(0, service.lastIndexOf('/')), 0o755);
  host.replace(service, serviceText, 0o644);
  readUnitsAgain(host);
}
