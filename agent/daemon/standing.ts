/** What the daemon says of itself to other commands: a file in /run that every user may read, gone with the daemon. */
import { HostError, nullIfRefused } from '../host/errors.ts';
import { RUN_FOLDER } from '../host/folders.ts';
import type { Host } from '../host/host.ts';
import { argumentsOf } from '../host/proc.ts';

const FILE = `${RUN_FOLDER}/standing`;

export interface DaemonStanding {
  readonly pid: number;
  /** false: it observes only. */
  readonly enforce: boolean;
  /** Keys of what another program changes again and again: put right now and then only. */
  readonly fought: readonly string[];
}

export class StandingFile {
  readonly #host: Host;
  #written = '';

  constructor(host: Host) {
    this.#host = host;
  }

  /** Writes what is not written yet. A /run that takes no file is no reason to stop holding. */
  update(standing: DaemonStanding): void {
    const text = JSON.stringify(standing);
    if (text === this.#written) return;
    try {
      this.#host.makeFolder(RUN_FOLDER, 0o755);
      this.#host.replaceOwn(FILE, text, 0o644);
      this.#written = text;
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
    }
  }

  remove(): void {
    nullIfRefused(() => this.#host.remove(FILE));
  }
}

/** Of the daemon that runs on this host; null: none runs, or it cannot be known. */
export function daemonStanding(host: Host): DaemonStanding | null {
  const text = nullIfRefused(() => host.readText(FILE));
  if (text === null) return null;
  try {
    const standing = JSON.parse(text) as DaemonStanding;
    // A daemon that was killed leaves the file behind, and its number may be another process's now.
    return argumentsOf(standing.pid).includes('run') ? standing : null;
  } catch {
    return null;
  }
}
