/** A real daemon that keeps its name server: one channel of Debian's libc-ares for its whole life (cares-daemon.c). */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LabHost } from './host.ts';
import { CARES, CARES_LIBRARY } from './keepers.ts';
import { Log } from './log.ts';

/** How the process is called: comm of proc_pid_stat(5). */
export const CARES_DAEMON = 'cares-daemon';

export class CaresDaemon {
  readonly #child: ReturnType<LabHost['spawn']>;
  readonly #log: Log;

  private constructor(child: ReturnType<LabHost['spawn']>) {
    this.#child = child;
    this.#log = new Log(child.stdout!);
  }

  /** `program`: as `caresProgram` made it. It has read resolv.conf when this is done. */
  static async start(host: LabHost, program: Buffer | string): Promise<CaresDaemon> {
    const path = `/usr/local/bin/${CARES_DAEMON}`;
    await host.write(path, program, 0o755);
    const daemon = new CaresDaemon(host.spawn([path]));
    await daemon.#log.until(/^ready/);
    return daemon;
  }

  /** Whether it finds the name. */
  async finds(name: string): Promise<boolean> {
    const from = this.#log.lines.length;
    this.#child.stdin!.write(`${name}\n`);
    return (await this.#log.until(/^answered/, from)) === 'answered 0';
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('close', resolve));
    this.#child.stdin!.end();
    await ended;
  }
}

/** Built with the machine's C compiler in that folder; without one, the same in Python's words for the same library. */
export function caresProgram(folder: string): Buffer | string {
  const built = join(folder, CARES_DAEMON);
  const source = join(import.meta.dirname, 'cares-daemon.c');
  try {
    execFileSync('cc', ['-O1', '-o', built, source, CARES_LIBRARY], { stdio: 'pipe' });
    return readFileSync(built);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return `#!/usr/bin/python3\n${CARES}`;
  }
}
