/**
 * Tells when files that the operator edits have changed and settled: the configuration, its drop-ins, tokens, certificates.
 * By chokidar, which follows renames, links and folders that come later. It may lose the last change of a burst (5.0), so what
 * is told is only "look again", after a pause. Files that are held are watched otherwise (watcher.ts).
 */
import { basename, dirname } from 'node:path';
import type { FSWatcher } from 'chokidar';

/** Milliseconds without a change until an edit counts as finished: editors, and whatever copies several files, take turns. */
const SETTLED = 1_000;

export class OperatorFiles {
  readonly #settled: () => void;
  readonly #pause: number;
  #watcher: FSWatcher | null = null;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(settled: () => void, pause: number = SETTLED) {
    this.#settled = settled;
    this.#pause = pause;
  }

  /** Follows these files, and every `*.yaml` of these folders, from its return on. Throws nothing. */
  async follow(files: readonly string[], folders: readonly string[]): Promise<void> {
    const { watch } = await import('chokidar');
    if (this.#closed) return;
    // The folders around them: a file may be renamed into its place, and a folder may come later.
    const around = [...new Set([...files, ...folders].map((path) => dirname(path)))];
    const wanted = new Set([...around, ...folders, ...files]);
    const ignored = (path: string) =>
      !wanted.has(path) && !(folders.includes(dirname(path)) && basename(path).endsWith('.yaml'));
    this.#watcher = watch(around, { ignored, ignoreInitial: true, persistent: false, depth: 1 });
    const ready = new Promise<void>((resolve) => this.#watcher!.once('ready', resolve));
    this.#watcher.on('all', () => this.#again()).on('error', () => this.#again());
    await ready;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    void this.#watcher?.close();
  }

  #again(): void {
    clearTimeout(this.#timer);
    if (!this.#closed) this.#timer = setTimeout(this.#settled, this.#pause);
  }
}
