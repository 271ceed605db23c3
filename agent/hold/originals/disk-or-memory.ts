/**
 * Writes the records that precede a change (originals.ts, journal/change-journal.ts) to the disk. If the disk takes nothing
 * more, they go to memory in /run, because healing must not wait until the disk has room.
 */
import { errorCode, nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { RUN_FOLDER, STATE_FOLDER } from '../../host/paths.ts';

/** The folder of records that wait for room on the disk. */
const IN_MEMORY = `${RUN_FOLDER}/records`;
/** Errors of a full disk, a used-up quota, or a read-only file system, as after a disk error. */
const TAKES_NOTHING = ['ENOSPC', 'EDQUOT', 'EROFS'];

/** The last written record; null if there is none. `path` is below /var/lib/holdfast. Throws HostError. */
export function readRecord(host: Host, path: string): string | null {
  return host.readText(inMemory(path)) ?? host.readText(path);
}

export function hasRecord(host: Host, path: string): boolean {
  return [path, inMemory(path)].some((one) => host.lstat(one) !== null);
}

/**
 * Writes a record that only root may read. `memory`: whether memory is enough if the disk takes nothing more; otherwise
 * that is a HostError. A reboot loses records in memory, and the disk has its old records after it.
 */
export function writeRecord(host: Host, path: string, text: string, { memory }: { memory: boolean }): void {
  const own = inMemory(path);
  // The copy in memory is read first, so it must never be older than the disk's.
  const wasInMemory = host.lstat(own) !== null;
  if (wasInMemory) host.replaceOwn(own, text, 0o600);
  try {
    host.replace(path, text, 0o600);
    if (wasInMemory) host.remove(own);
  } catch (error) {
    if (wasInMemory && memory) return;
    if (!memory || !TAKES_NOTHING.includes(errorCode(error) ?? '')) throw error;
    host.makeFolder(IN_MEMORY, 0o700);
    host.replaceOwn(own, text, 0o600);
  }
}

export function removeRecord(host: Host, path: string): void {
  host.remove(path);
  if (host.lstat(inMemory(path)) !== null) host.remove(inMemory(path));
}

/** Puts a record back as it was read at an earlier time; null if there was none. */
export function putBackRecord(host: Host, path: string, text: string | null): void {
  if (text === null) removeRecord(host, path);
  else if (text !== readRecord(host, path)) writeRecord(host, path, text, { memory: true });
}

/** Moves waiting records of `folder` from memory to the disk, if there is room again. */
export async function settleRecords(host: Host, folder: string): Promise<void> {
  const waiting = () => host.list(IN_MEMORY).filter((name) => host.lstat(`${folder}/${name}`) !== null);
  if (waiting().length === 0) return;
  await host.exclusively(
    RUN_FOLDER,
    async () => {
      for (const name of waiting()) {
        nullIfRefused(() =>
          writeRecord(host, `${folder}/${name}`, host.readText(`${IN_MEMORY}/${name}`) ?? '', { memory: true }),
        );
      }
    },
    0,
  );
}

function inMemory(path: string): string {
  if (!path.startsWith(`${STATE_FOLDER}/`)) throw new Error(`${path} is no record`);
  return `${IN_MEMORY}/${path.slice(path.lastIndexOf('/') + 1)}`;
}
