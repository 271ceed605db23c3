/** The daemon's state, for other commands: a file in /run that every user may read, removed when the daemon ends. */
import { HostError, nullIfRefused } from '../host/errors.ts';
import { lifeHolder } from '../host/files/lock.ts';
import type { Host } from '../host/host.ts';
import { DAEMON, RUN_FOLDER } from '../host/paths.ts';
import { argumentsOf } from '../host/process/proc.ts';
import type { HeardServers } from './advertised-watch.ts';

const FILE = `${RUN_FOLDER}/standing`;

export interface DaemonStanding {
  readonly pid: number;
  /** False: the daemon only observes. */
  readonly enforce: boolean;
  /** The path of the daemon's configuration. Missing if the daemon is of an earlier version. */
  readonly config?: string;
  /** Keys of artifacts that another program changes again and again, and that the daemon puts right less often. */
  readonly fought: readonly string[];
  /** Name servers and search domains of router advertisements. Missing if the daemon is of an earlier version. */
  readonly heard?: readonly HeardServers[];
}

export class StandingFile {
  readonly #host: Host;
  #written = '';

  constructor(host: Host) {
    this.#host = host;
  }

  /** Writes a changed state. If /run refuses the file, the daemon holds the host all the same. */
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

/** The state of the daemon on this host; null if none runs, or if its file cannot be read. */
export function daemonStanding(host: Host): DaemonStanding | null {
  const text = nullIfRefused(() => host.readText(FILE));
  if (text === null) return null;
  try {
    const standing = JSON.parse(text) as DaemonStanding;
    // A killed daemon leaves the file behind, and its number may be another process's now.
    return argumentsOf(standing.pid).includes('run') ? standing : null;
  } catch {
    return null;
  }
}

/**
 * The same as daemonStanding, for root, and certain: the process holds the daemon's lock. A signal may be sent to it.
 */
export function lockedStanding(host: Host): DaemonStanding | null {
  const standing = host.live && host.root === '/' ? daemonStanding(host) : null;
  if (standing === null) return null;
  return nullIfRefused(() => lifeHolder(DAEMON)) === String(standing.pid) ? standing : null;
}
