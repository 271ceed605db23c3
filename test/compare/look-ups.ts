/**
 * A process every 50 ms that looks a name up through the C library, as anything that starts on a host does. As a program:
 * `node look-ups.ts NAME ADDRESS`; it prints `looking up`, and a line of JSON (LookUps) when its standard input ends.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { stdin, stdout } from 'node:process';
import { Log } from '../parts/lab/log.ts';
import type { LabSystem } from '../parts/lab/system.ts';
import type { Watch } from '../parts/lab/watch.ts';
import { REPOSITORY } from '../parts/repository.ts';

export interface LookUps {
  readonly asked: number;
  /** Those that did not find the address within PATIENCE_MS. */
  readonly failed: number;
}

/** Longer than one server's time-out with `options timeout:1`, and shorter than with the 5 s of a file without options. */
export const PATIENCE_MS = 2_000;
export const EVERY_MS = 50;

export async function watchLookUps(system: LabSystem, name: string, address: string): Promise<Watch<LookUps>> {
  const program = join(REPOSITORY, 'test/compare/look-ups.ts');
  const child = system.spawn([process.execPath, program, name, address]);
  child.stderr!.pipe(process.stderr);
  const log = new Log(child.stdout!);
  await log.until(/^looking up/);
  return {
    async stop() {
      child.stdin!.end();
      return JSON.parse(await log.until(/^\{/));
    },
  };
}

async function found(name: string, address: string): Promise<boolean> {
  const getent = spawn('getent', ['ahostsv4', name], { stdio: ['ignore', 'pipe', 'ignore'] });
  const timer = setTimeout(() => getent.kill('SIGKILL'), PATIENCE_MS);
  let said = '';
  getent.stdout.on('data', (chunk) => {
    said += chunk;
  });
  await once(getent, 'close');
  clearTimeout(timer);
  return said.startsWith(`${address} `);
}

if (import.meta.main) {
  const [name, address] = process.argv.slice(2) as [string, string];
  const all: Promise<boolean>[] = [];
  const timer = setInterval(() => all.push(found(name, address)), EVERY_MS);
  stdout.write('looking up\n');
  await once(stdin.resume(), 'end');
  clearInterval(timer);
  const results = await Promise.all(all);
  stdout.write(`${JSON.stringify({ asked: results.length, failed: results.filter((one) => !one).length })}\n`);
  process.exit();
}
