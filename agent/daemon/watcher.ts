/** Tells which of the watched files changed: replaced, written, removed, or there again with its folder. */
import { dirname, join } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';

export interface Watcher {
  /** The kernel tells of every change from here on. */
  readonly ready: Promise<void>;
  close(): Promise<void>;
}

/** Milliseconds in which a folder that was removed may come back, with what else comes with it. */
const SETTLE = 50;

/**
 * Watches the folders of these absolute paths, since a file that is renamed over leaves its own watch behind, and the
 * folders above them, since a folder may come later. `onChange` gets the path that something happened to, within a few
 * milliseconds: a file, or a folder on the way to it. `onError`: the kernel's watches are used up, or lost.
 */
export function watchFiles(
  paths: readonly string[],
  onChange: (path: string) => void,
  onError: (error: unknown) => void,
): Watcher {
  const folders = new Set(paths.flatMap(above));
  let closed = false;
  let settling: NodeJS.Timeout | undefined;
  let current = watchFolders(folders, changed, onError);
  return {
    ready: current.ready,
    async close() {
      closed = true;
      clearTimeout(settling);
      await current.close();
    },
  };

  function changed(path: string): void {
    if (closed) return;
    onChange(path);
    if (folders.has(path)) settling ??= setTimeout(again, SETTLE, path);
  }

  /** A folder that is there again is another one, and its watch is still on the old one: all are set anew. */
  async function again(path: string): Promise<void> {
    settling = undefined;
    const old = current;
    current = watchFolders(folders, changed, onError);
    await current.ready;
    await old.close();
    if (!closed) onChange(path); // what happened in it before it was watched
  }
}

function watchFolders(
  folders: ReadonlySet<string>,
  onChange: (path: string) => void,
  onError: (error: unknown) => void,
): Watcher {
  const watcher: FSWatcher = watch([...folders], {
    // Only folders: what happens in one is told by the kernel for each of its files.
    ignored: (path) => !folders.has(path),
    ignoreInitial: true,
    // Neither waits for a file to settle nor takes a removal for one half of a rename: it is put right either way.
    atomic: false,
  });
  const { promise: ready, resolve } = Promise.withResolvers<void>();
  watcher.on('ready', resolve);
  if (folders.size === 0) resolve();
  watcher.on('error', onError);
  // chokidar's own events come at most every 50 ms for one path, and the last one of a burst is lost; `raw` is what the
  // kernel said.
  watcher.on('raw', (_event, name, details) => {
    const folder = (details as { watchedPath?: string }).watchedPath;
    if (folder !== undefined) onChange(typeof name === 'string' && name !== folder ? join(folder, name) : folder);
  });
  return { ready, close: () => watcher.close() };
}

/** The folders on the way to a path, without the root folder. */
function above(path: string): string[] {
  const folder = dirname(path);
  return folder === '/' || folder === '.' ? [] : [...above(folder), folder];
}
