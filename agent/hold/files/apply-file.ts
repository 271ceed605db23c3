/** Shared by every resource that keeps a file: compare, save the original, write, read back. */
import { noteFile } from '../../host/files/file-times.ts';
import type { Host } from '../../host/host.ts';
import { sinceBoot } from '../../host/process/processes.ts';
import { Originals } from '../originals/originals.ts';
import type { Finding, Outcome } from '../resource.ts';

/**
 * Changes one file to `finding.wanted` (null: removes it) and reads it back. `path` is the file to write if that is not
 * the finding's key (a followed symbolic link). `keepTime`: the new file gets the modification time of the old file.
 * After a HostError the old file is whole.
 */
export async function applyFile(
  host: Host,
  finding: Finding,
  { path = finding.key, mode = 0o644, keepTime = false } = {},
): Promise<Outcome> {
  const { wanted } = finding;
  await new Originals(host).rememberFile(path, wanted, finding.resource);
  const outcome = { resource: finding.resource, key: finding.key, moment: finding.moment };
  for (let tries = 1; ; tries += 1) {
    const before = sinceBoot();
    const atomic = put(host, path, wanted, { mode, keepTime });
    const actual = host.readText(path);
    if (host.live) noteFile(host, path, before);
    if (actual === wanted) return { ...outcome, actual, result: 'changed', ...(atomic ? {} : { reason: NOT_ATOMIC }) };
    if (tries === TRIES)
      return {
        ...outcome,
        actual,
        result: 'failed',
        changed: true,
        reason: 'read back after the change, the file is not what was written',
      };
  }
}

interface FileWays {
  readonly mode: number;
  /** Whether the file keeps its modification time, because a program acts on a new time. */
  readonly keepTime: boolean;
}

/** Another program may write between our write and our read. If it does so every time, apply cannot win. */
const TRIES = 3;
const NOT_ATOMIC =
  'not atomic: the file is a mount point, so it was written in place, and a reader may have seen a mixture';

/** Returns whether the write was atomic for every reader. */
function put(host: Host, path: string, wanted: string | null, ways: FileWays): boolean {
  if (wanted === null) {
    host.remove(path);
    return true;
  }
  host.makeFolder(path.slice(0, path.lastIndexOf('/')), 0o755);
  return writeFile(host, path, wanted, ways);
}

/** Returns whether every reader sees either the whole old file or the whole new file. */
export function writeFile(host: Host, path: string, text: string, { mode, keepTime }: FileWays): boolean {
  return host.replace(path, text, mode, { keepTime }).atomic;
}

/** Removes a file that we made, and its folder of drop-ins if the folder is empty afterwards. */
export function removeWithFolder(host: Host, file: string): void {
  host.remove(file);
  const folder = file.slice(0, file.lastIndexOf('/'));
  if (/\.(network|service)\.d$|\/resolved\.conf\.d$/.test(folder)) host.removeEmptyFolder(folder);
}
