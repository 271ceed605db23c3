/** What every resource that keeps a file shares: compare, remember the original, write, read back. */
import { keepsTime } from '../clients/dhcpcd.ts';
import { noteFile } from '../host/file-times.ts';
import type { Host } from '../host/host.ts';
import { sinceBoot } from '../host/processes.ts';
import { Originals } from './originals.ts';
import type { Finding, Outcome } from './resource.ts';

/**
 * Brings one file to `finding.wanted` (null: removed) and reads it back. `path` is where it is written, where that is
 * not the finding's key (a symbolic link that is followed). Throws HostError; then the old file is whole.
 */
export async function applyFile(
  host: Host,
  finding: Finding,
  { path = finding.key, mode = 0o644 } = {},
): Promise<Outcome> {
  const { wanted } = finding;
  await new Originals(host).rememberFile(path, wanted, finding.resource);
  const outcome = { resource: finding.resource, key: finding.key, moment: finding.moment };
  for (let tries = 1; ; tries += 1) {
    const before = sinceBoot();
    const atomic = put(host, path, wanted, mode);
    const actual = host.readText(path);
    if (host.live) noteFile(host, path, before);
    if (actual === wanted) return { ...outcome, actual, result: 'changed', ...(atomic ? {} : { reason: NOT_ATOMIC }) };
    if (tries === TRIES)
      return { ...outcome, actual, result: 'failed', changed: true, reason: 'read back, it is not what was written' };
  }
}

/** Somebody else may write between ours and the reading back. Who does it every time is a fight, which apply cannot win. */
const TRIES = 3;
const NOT_ATOMIC = 'not atomic: it is a mount point, so it was written in place, and a reader may have seen a mixture';

/** Gives whether every reader sees all or nothing of it. */
function put(host: Host, path: string, wanted: string | null, mode: number): boolean {
  if (wanted === null) {
    host.remove(path);
    return true;
  }
  host.makeFolder(path.slice(0, path.lastIndexOf('/')), 0o755);
  return host.replace(path, wanted, mode, { keepTime: keepsTime(host, path) }).atomic;
}

/** Removes a file that was made by us; a folder of drop-ins was made for ours, unless others are in it. */
export function removeWithFolder(host: Host, file: string): void {
  host.remove(file);
  const folder = file.slice(0, file.lastIndexOf('/'));
  if (/\.(network|service)\.d$/.test(folder)) host.removeEmptyFolder(folder);
}
