/**
 * Tells when files that the operator edits have changed and settled: the configuration, its drop-ins, tokens, certificates.
 * By chokidar, which may lose the last change of a burst (5.0) and loses folders that are made anew: so what is told is only "look
 * again", after a pause, and then the places are followed anew, as the links lead by then. Files that are held are watched otherwise
 * (watcher.ts).
 */
import { basename, dirname } from 'node:path';
import type { FSWatcher } from 'chokidar';
import { isYaml, pathsOf, stateOfPaths } from './operator-paths.ts';

/** Milliseconds without a change until an edit counts as finished: editors, and whatever copies several files, take turns. */
const SETTLED = 1_000;

export class OperatorFiles {
  readonly #settled: () => void;
  readonly #pause: number;
  #watcher: FSWatcher | null = null;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  /** Ends the wait for the present watcher, which may have been closed. */
  #ready: () => void = () => {};

  constructor(settled: () => void, pause: number = SETTLED) {
    this.#settled = settled;
    this.#pause = pause;
  }

  /** Follows these files, and every `*.yaml` of these folders, from its return on. Throws nothing. */
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
    // What changed while nothing was followed.
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
