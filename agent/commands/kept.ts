/**
 * What was found out about the configuration and about files, so that the next command need not parse them again: in /run, and for
 * the next boot on the disk. Root's alone to write; it counts only for the same bytes and the same build (config/compiled.ts,
 * resources/known.ts).
 */
import { HostError, nullIfRefused } from '../host/errors.ts';
import { RUN_FOLDER, STATE_FOLDER } from '../host/folders.ts';
import type { Host } from '../host/host.ts';

const NAMES = ['configuration', 'files'] as const;
export type KeptName = (typeof NAMES)[number];

/** Group or others may write. */
const WRITABLE = 0o022;

export class Kept {
  readonly #host: Host;
  /** By name, what the disk had and /run had not. */
  readonly #fromDisk = new Map<KeptName, string>();

  constructor(host: Host) {
    this.#host = host;
  }

  /** null: nothing is kept, or it cannot be believed. */
  async read(name: KeptName): Promise<string | null> {
    const text = nullIfRefused(() => this.#host.readText(`${RUN_FOLDER}/${name}`));
    if (text !== null) return text;
    const stored = await this.#readDisk(name);
    if (stored !== null) this.#fromDisk.set(name, stored);
    return stored;
  }

  /** null: what was read is as it was. Throws nothing: the next command does the work again. */
  async write(texts: Readonly<Record<KeptName, string | null>>): Promise<void> {
    for (const name of NAMES) {
      const text = texts[name];
      // The disk first: what /run has is looked for on the disk no more, so after a kill in between it would never get there.
      if (text !== null) this.#put(STATE_FOLDER, name, `${await checksum(text)}\n${text}`);
      const forRun = text ?? this.#fromDisk.get(name) ?? null;
      if (forRun !== null) this.#put(RUN_FOLDER, name, forRun);
    }
  }

  /** A disk may give back something else than it was given, and this says what root does. */
  async #readDisk(name: KeptName): Promise<string | null> {
    const path = `${STATE_FOLDER}/${name}`;
    if (![STATE_FOLDER, path].every((one) => this.#isRoots(one))) return null;
    const stored = nullIfRefused(() => this.#host.readText(path)) ?? '';
    const text = stored.slice(stored.indexOf('\n') + 1);
    return stored === `${await checksum(text)}\n${text}` ? text : null;
  }

  #isRoots(path: string): boolean {
    const stats = this.#host.lstat(path);
    return stats !== null && !stats.isSymbolicLink() && stats.uid === 0 && (stats.mode & WRITABLE) === 0;
  }

  #put(folder: string, name: KeptName, text: string): void {
    try {
      this.#host.makeFolder(folder, 0o755);
      this.#host.replaceOwn(`${folder}/${name}`, text, 0o600);
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
    }
  }
}

/** Here and not above: what is in /run needs none, and to load zlib takes 2 ms. */
async function checksum(text: string): Promise<string> {
  const { crc32 } = await import('node:zlib');
  return crc32(text).toString(16);
}
