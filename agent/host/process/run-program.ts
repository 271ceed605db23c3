import { type ChildProcessByStdio, execFile, spawn, spawnSync } from 'node:child_process';
import type { Readable } from 'node:stream';
import { errorMessage } from '../errors.ts';
import { notByLooks } from '../recorded-looks.ts';

export interface RunResult {
  /** null if the program could not start, or a signal or the time limit ended it. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Why there is no exit status. */
  readonly error: string | null;
}

/** Milliseconds. The programs that Holdfast starts answer in a few. */
const TIME_LIMIT = 10_000;

/** Bytes of each output. A program that writes more is ended. */
const LARGEST_OUTPUT = 1024 * 1024;

const ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };

/**
 * Runs a system program to its end, without a shell. PATH and the C locale are fixed, so that the operator's
 * environment cannot change what root does. `fds` become descriptors 3, 4 …. Never throws.
 */
export function runProgram(
  program: string,
  args: readonly string[],
  {
    input = '',
    fds = [],
    timeLimit = TIME_LIMIT,
  }: { input?: string; fds?: readonly number[]; timeLimit?: number } = {},
): RunResult {
  notByLooks();
  const result = spawnSync(program, args, {
    input,
    stdio: ['pipe', 'pipe', 'pipe', ...fds],
    timeout: timeLimit,
    encoding: 'utf8',
    env: ENVIRONMENT,
  });
  const error = result.error?.message ?? (result.signal === null ? null : `ended by ${result.signal}`);
  return { status: result.status, stdout: result.stdout ?? '', stderr: result.stderr ?? '', error };
}

/** The same, asynchronously. `signal` kills the program. */
export function runBeside(
  program: string,
  args: readonly string[],
  {
    timeLimit = TIME_LIMIT,
    maxBuffer = LARGEST_OUTPUT,
    signal,
  }: { timeLimit?: number; maxBuffer?: number; signal?: AbortSignal } = {},
): Promise<RunResult> {
  notByLooks();
  const running = new Promise<RunResult>((resolve) => {
    const options = { timeout: timeLimit, killSignal: 'SIGKILL', encoding: 'utf8', env: ENVIRONMENT } as const;
    const child = execFile(program, args, { ...options, maxBuffer, signal }, (failure, stdout, stderr) => {
      const status = failure === null ? 0 : typeof failure.code === 'number' ? failure.code : null;
      resolve({ status, stdout, stderr, error: status === null ? (failure?.message ?? null) : null });
    });
    child.stdin?.end();
  });
  // Node throws what it does not expect of a start, as EPERM in a sandbox.
  return running.catch((error) => ({ status: null, stdout: '', stderr: '', error: errorMessage(error) }));
}

/** A program that runs until it is ended. */
export type LastingProgram = ChildProcessByStdio<null, Readable, Readable>;

/**
 * Starts a program that runs beside, with the same environment and without input. Emits `error` if the program does not
 * exist. Throws if the kernel refuses the start, as with EPERM in a sandbox.
 */
export function startProgram(program: string, args: readonly string[]): LastingProgram {
  notByLooks();
  return spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: ENVIRONMENT });
}
