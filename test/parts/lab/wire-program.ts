/** Servers that the wire's tests start: until they answer, and no longer than the tests live. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { built, type Receiver } from '../../../packaging/receivers/build.ts';

/** Far longer than anything here takes. */
const PATIENCE_MS = 60_000;

export class Program {
  readonly #receiver: Receiver;
  readonly #args: readonly string[];
  #child: ChildProcess | null = null;
  #output = '';

  constructor(receiver: Receiver, args: readonly string[]) {
    this.#receiver = receiver;
    this.#args = args;
  }

  /** Waits until `url` answers with this status. */
  async start(url: string, status = 200): Promise<void> {
    this.#output = '';
    // It must not outlive this process, however this process ends.
    const command = ['--pdeathsig', 'KILL', built(this.#receiver)!, ...this.#args];
    const child = spawn('setpriv', command, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (this.#output += chunk));
    await until(`${this.#receiver} at ${url}`, async () => {
      if (child.exitCode !== null) throw new Error(`${this.#receiver} ended:\n${this.#output}`);
      return (await fetch(url).catch(() => null))?.status === status || null;
    });
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }
}

/** Asks again until there is an answer; throws, and says of what, where none comes. */
export async function until<T>(what: string, ask: () => Promise<T | null>): Promise<T> {
  for (const deadline = Date.now() + PATIENCE_MS; ; ) {
    const answer = await ask();
    if (answer !== null) return answer;
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await sleep(100);
  }
}

/** Removed at the end of this process, also when a signal ends it. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-wire-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
  return folder;
}

/** Held all at once, so that they differ. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}
