/** The folder of this repository, as an absolute path. */
import { lstatSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const REPOSITORY = join(import.meta.dirname, '../..');

/** Why another user cannot run this repository, or false: fits the `skip` of node:test. */
export const hiddenFromOthers: string | false = closedFolder(REPOSITORY)
  ? `needs a folder that every user may enter, unlike ${closedFolder(REPOSITORY)}`
  : false;

/** This folder, or the nearest one above it, that other users may not enter; null if there is none. */
function closedFolder(folder: string): string | null {
  if ((lstatSync(folder).mode & 0o001) === 0) return folder;
  return folder === '/' ? null : closedFolder(dirname(folder));
}
