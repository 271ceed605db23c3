/**
 * What is written down before something is touched (originals.ts, journal.ts): on the disk, which outlives everything. Where
 * that takes nothing more it is in memory, in /run: what is healed then must not wait until somebody makes room.
 */
import { errorCode, nullIfRefused } from '../host/errors.ts';
import { RUN_FOLDER, STATE_FOLDER } from '../host/folders.ts';
import type { Host } from '../host/host.ts';

/** Until there is room on the disk. */
const IN_MEMORY = `${RUN_FOLDER}/records`;
/** The disk is full, the quota used up, or it is read-only, as after an error of the disk. */
const TAKES_NOTHING = ['ENOSPC', 'EDQUOT', 'EROFS'];

/** As it was written last; null: there is none. `path`: below /var/lib/holdfast. Throws HostError. */
export function readRecord(host: Host, path: string): string | null {
  return host.readText(inMemory(path)) ?? host.readText(path);
}

export function hasRecord(host: Host, path: string): boolean {
  return [path, inMemory(path)].some((one) => host.lstat(one) !== null);
}

/**
 * Root's alone to read. `memory`: whether memory will do where the disk takes nothing more; else that is a HostError. From memory it
 * goes with a reboot, and then the disk has what it had.
 */
export function writeRecord(host: Host, path: string, text: string, { memory }: { memory: boolean }): void {
  const own = inMemory(path);
  // What is read first must never be the older one.
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

/** Brings to the disk what waits in memory of the records in `folder`, where there is room again. */
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
