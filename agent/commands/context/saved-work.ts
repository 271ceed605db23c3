/**
 * Results of parsing the configuration and files, saved so the next command need not parse them again. They lie in
 * /run, and on the disk for the next boot. Only root may write them. They count only for the same bytes and the same
 * build (config/compiled.ts, hold/files/verified-files.ts).
 */
import { HostError, nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { RUN_FOLDER, STATE_FOLDER } from '../../host/paths.ts';
import { unrecorded } from '../../host/recorded-looks.ts';

const NAMES = ['configuration', 'files'] as const;
export type KeptName = (typeof NAMES)[number];

/** Mode bits that let the group or others write. */
const WRITABLE = 0o022;

export class Kept {
  readonly #host: Host;
  /** By name: texts that the disk had and /run did not have. */
  readonly #fromDisk = new Map<KeptName, string>();

  constructor(host: Host) {
    this.#host = host;
  }

  /** null if nothing is saved, or if the saved text cannot be trusted. */
  async read(name: KeptName): Promise<string | null> {
    const text = unrecorded(() => nullIfRefused(() => this.#host.readText(`${RUN_FOLDER}/${name}`)));
    if (text !== null) return text;
    const stored = await this.#readDisk(name);
    if (stored !== null) this.#fromDisk.set(name, stored);
    return stored;
  }

  /**
   * A null text means that the saved text still holds. Never throws: without a saved text the next command parses
   * again.
   */
  async write(texts: Readonly<Record<KeptName, string | null>>): Promise<void> {
    for (const name of NAMES) {
      const text = texts[name];
      // The disk comes first. A text in /run is never looked for on the disk again, so a kill in between would keep it
      // off the disk.
      if (text !== null) this.#put(STATE_FOLDER, name, `${await checksum(text)}\n${text}`);
      const forRun = text ?? this.#fromDisk.get(name) ?? null;
      if (forRun !== null) this.#put(RUN_FOLDER, name, forRun);
    }
  }

  /** The text decides what root does and a disk can corrupt it, so it carries a checksum. */
  async #readDisk(name: KeptName): Promise<string | null> {
    const path = `${STATE_FOLDER}/${name}`;
    const isRoots = unrecorded(() => [STATE_FOLDER, path].every((one) => this.#isRoots(one)));
    if (!isRoots) return null;
    const stored = unrecorded(() => nullIfRefused(() => this.#host.readText(path))) ?? '';
    const text = stored.slice(stored.indexOf('\n') + 1);
    return stored === `${await checksum(text)}\n${text}` ? text : null;
  }

  #isRoots(path: string): boolean {
    const stats = this.#host.lstat(path);
    return stats !== null && !stats.isSymbolicLink() && stats.uid === 0 && (stats.mode & WRITABLE) === 0;
  }

  #put(folder: string, name: KeptName, text: string): void {
    try {
      unrecorded(() => {
        this.#host.makeFolder(folder, 0o755);
        this.#host.replaceOwn(`${folder}/${name}`, text, 0o600);
      });
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
    }
  }
}

/** Imported only here: texts in /run need no checksum, and loading zlib takes 2 ms. */
async function checksum(text: string): Promise<string> {
  const { crc32 } = await import('node:zlib');
  return crc32(text).toString(16);
}
