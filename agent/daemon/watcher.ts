/**
 * Tells which of the watched files changed: replaced, written, removed, or there again with its folder. Straight on
 * inotify(7), as node:fs has it: chokidar (5.0) tells of one path at most every 50 ms and loses the last of a burst, is
 * ready too early where a path does not exist, and goes on watching the old one of a folder that was made anew.
 */
import { type FSWatcher, watch } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorCode } from '../host/errors.ts';

export interface Watcher {
  close(): void;
}

/**
 * Watches the folders of these absolute paths, since a file that is renamed over leaves its own watch behind, and the
 * folders above them, since a folder may come later. From its return on, `onChange` gets each path that something
 * happened to: a file, or a folder on the way to it. `onError`: a folder is there and cannot be watched.
 */
export function watchFiles(
  paths: readonly string[],
  onChange: (path: string) => void,
  onError: (error: unknown) => void,
): Watcher {
  /** From the top down, so that a folder that comes is either seen by its parent's watch or there already. */
  const folders = new Set(paths.flatMap(above).sort());
  const watchers = new Map<string, FSWatcher>();
  for (const folder of folders) open(folder);
  return {
    close() {
      for (const watcher of watchers.values()) watcher.close();
    },
  };

  function open(folder: string): void {
    watchers.get(folder)?.close();
    watchers.delete(folder);
    try {
      const watcher = watch(folder, (_event, name) => changed(name === null ? folder : join(folder, name)));
      watcher.on('error', onError);
      watchers.set(folder, watcher);
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) onError(error);
    }
  }

  function changed(path: string): void {
    if (folders.has(path)) {
      // One that is there again is another one than was watched, and so are those in it.
      for (const folder of folders) if (folder === path || folder.startsWith(`${path}/`)) open(folder);
    }
    onChange(path);
  }
}

/** The folders on the way to a path, without the root folder. */
function above(path: string): string[] {
  const folder = dirname(path);
  return folder === '/' || folder === '.' ? [] : [...above(folder), folder];
}
