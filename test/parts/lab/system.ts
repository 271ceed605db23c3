/** What a throw-away host and a booted machine have in common: programs are started in it, and its files are at hand. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { text } from 'node:stream/consumers';

export interface RunResult {
  /** Exit status; null if a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** `server`: on the other side of the wire. */
  readonly where?: 'host' | 'server';
  readonly env?: Record<string, string>;
  readonly input?: string;
}

export abstract class LabSystem implements AsyncDisposable {
  /** Starts a program. To signal the child is of no use: that is nsenter, and what it started lives on. */
  abstract spawn(argv: readonly string[], options?: RunOptions): ChildProcess;

  /** The path by which this process sees a file of the host. */
  abstract path(file: string): string;

  /** Ends it and all that runs in it. */
  abstract close(): Promise<void>;

  /** Runs a program to its end; any exit status is a result. */
  async run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const child = this.spawn(argv, options);
    child.stdin!.on('error', () => {}); // it may end without having read all of its input
    child.stdin!.end(options.input ?? '');
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout!),
      text(child.stderr!),
      once(child, 'close') as Promise<[number | null]>,
    ]);
    return { code, stdout, stderr };
  }

  /** Runs a shell script, gives its output, and throws if it fails. */
  async sh(script: string, options: RunOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(['sh', '-ec', script], options);
    if (code !== 0) throw new Error(`exit status ${code} of: ${script}\n${stdout}${stderr}`);
    return stdout;
  }

  read(file: string): Promise<string> {
    return readFile(this.path(file), 'utf8');
  }

  exists(file: string): boolean {
    return existsSync(this.path(file));
  }

  async write(file: string, content: string | Buffer, mode = 0o644): Promise<void> {
    await mkdir(this.path(dirname(file)), { recursive: true });
    await writeFile(this.path(file), content, { mode });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
