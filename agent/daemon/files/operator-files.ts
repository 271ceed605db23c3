/**
 * Calls back when the operator's files have changed and settled: the configuration, its drop-ins, tokens, certificates.
 * Uses chokidar, which may lose the last change of a burst (5.0) and loses folders that are made anew. A change
 * therefore only means "look again" after a pause. After the pause the places are followed anew, wherever links lead by
 * that time. Held files have another watcher (watcher.ts).
 */
import { basename, dirname } from 'node:path';
import type { FSWatcher } from 'chokidar';
import { isYaml, pathsOf, stateOfPaths } from './operator-paths.ts';

/**
 * Milliseconds without a change until an edit counts as finished. Editors and copies of several files make several
 * changes.
 */
const SETTLED = 1_000;

export class OperatorFiles {
  readonly #settled: () => void;
  readonly #pause: number;
  #watcher: FSWatcher | null = null;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  /** Ends the wait for the present watcher, which may be closed already. */
  #ready: () => void = () => {};

  constructor(settled: () => void, pause: number = SETTLED) {
    this.#settled = settled;
    this.#pause = pause;
  }

  /** Follows these files, and every `*.yaml` of these folders, as soon as it returns. Never throws. */
  async follow(files: readonly string[], folders: readonly string[]): Promise<void> {
    const paths = pathsOf(files, folders);
    const before = stateOfPaths(paths);
    const { watch } = await import('chokidar');
    if (this.#closed) return;
    this.#letGo();
    const ignored = (path: string) =>
      !paths.folders.has(path) &&
      !paths.entries.has(path) &&
      !(paths.whole.has(dirname(path)) && isYaml(basename(path)));
    const watcher = watch([...paths.folders], {
      ignored,
      ignoreInitial: true,
      persistent: false,
      followSymlinks: false,
      depth: 0,
    });
    this.#watcher = watcher;
    const again = () => {
      if (watcher !== this.#watcher) return;
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => {
        void this.follow(files, folders);
        this.#settled();
      }, this.#pause);
    };
    await new Promise<void>((resolve) => {
      this.#ready = resolve;
      watcher.once('ready', resolve).on('all', again).on('error', again);
    });
    // Covers changes from the time when nothing was followed.
    if (stateOfPaths(pathsOf(files, folders)) !== before) again();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#letGo();
  }

  #letGo(): void {
    void this.#watcher?.close();
    this.#watcher = null;
    this.#ready();
  }
}
