/**
 * Reports which watched files were replaced, written, removed, or came back with their folder. Uses node:fs on
 * inotify(7) directly. chokidar (5.0) reports a path at most every 50 ms and loses the last change of a burst. It is
 * ready too early if a path does not exist, and it keeps watching the old folder after a folder was made anew.
 */
import { type FSWatcher, watch } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorCode } from '../../host/errors.ts';

export interface Watcher {
  close(): void;
}

/**
 * Watches the folders of these absolute paths, because a watch of the file itself is lost when the file is replaced.
 * Also watches the folders above, because a folder may appear later. As soon as this returns, `onChange` gets each
 * changed path: a file, or a folder on the way to it. `onError` gets a folder that exists but cannot be watched.
 */
export function watchFiles(
  paths: readonly string[],
  onChange: (path: string) => void,
  onError: (error: unknown) => void,
): Watcher {
  /** Opens from the top down, so that a new folder either exists already or is seen by its parent's watch. */
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
      // A folder that came back is not the folder that was watched, and neither are the folders inside it.
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
