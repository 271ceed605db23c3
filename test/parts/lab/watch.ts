/** What is observed at a host while something happens to it: the content of a file, answers to pings, addresses and routes. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { REPOSITORY } from '../repository.ts';
import { Log } from './log.ts';
import type { Watched } from './poller.ts';
import type { LabSystem } from './system.ts';

/** A watch that runs; `stop` ends it and says what it saw. */
export interface Watch<Seen> {
  stop(): Promise<Seen>;
}

export interface Expected {
  /** Default: what the file holds now. */
  readonly content?: string;
  /** Only lines that begin with it count. Default: every byte counts. */
  readonly keyword?: string;
}

/** Polls a file of the host without a pause, against what is expected of it. */
export async function watchFile(host: LabSystem, file: string, expected: Expected = {}): Promise<Watch<Watched>> {
  const name = `/run/lab/expected.${file.replaceAll('/', '.')}`;
  await host.write(name, expected.content ?? (await host.sh(`cat ${file}`)));
  const keyword = expected.keyword === undefined ? [] : [expected.keyword];
  const child = host.spawn([process.execPath, join(REPOSITORY, 'test/parts/lab/poller.ts'), file, name, ...keyword]);
  child.stderr!.pipe(process.stderr);
  const log = new Log(child.stdout!);
  await log.until(/^polling/);
  return {
    async stop() {
      child.stdin!.end();
      return JSON.parse(await log.until(/^\{/));
    },
  };
}

export interface Pings {
  readonly answered: number;
  readonly lost: number;
}

/** Pings an address every 10 ms, from the host or from the far side of its wire. */
export async function watchPings(host: LabSystem, address: string, where: 'host' | 'server'): Promise<Watch<Pings>> {
  const child = host.spawn(['sh', '-c', `ping -n -i 0.01 ${address} & echo $!; read end; kill -INT $!; wait`], {
    where,
  });
  const log = new Log(child.stdout!);
  const answer = /icmp_seq=(\d+) ttl=/;
  await log.until(answer);
  return {
    async stop() {
      // Pings that were lost before this moment show as a gap, because later ones are answered.
      const last = Number(answer.exec(await log.until(answer, log.lines.length))![1]);
      await end(child);
      const answered = new Set(log.lines.map((line) => Number(answer.exec(line)?.[1])).filter((n) => n <= last));
      return { answered: answered.size, lost: last - answered.size };
    },
  };
}

/**
 * The kernel's own announcements of addresses and routes that went: their lines, as `ip monitor` prints them. Not of a
 * route that went because its source address did: poll /proc/net/route for those.
 */
export async function watchDeletions(host: LabSystem): Promise<Watch<string[]>> {
  const child = host.spawn(['sh', '-c', 'ip -4 -o monitor link address route & echo $!; read end; kill $!; wait']);
  const log = new Log(child.stdout!);
  // It is listening once it announces what we do: a route of no consequence.
  const probe = '192.0.2.255';
  const announced = log.until(new RegExp(`^(?!Deleted).*${probe}`));
  let heard = false;
  announced.then(() => {
    heard = true;
  });
  do await host.sh(`ip route replace unreachable ${probe}; ip route del unreachable ${probe}`);
  while (!heard);
  await announced;
  return {
    async stop() {
      await host.sh(`ip route add unreachable 192.0.2.254`);
      await log.until(/^(?!Deleted).*192\.0\.2\.254/); // all before it has been read
      await end(child);
      return log.lines.filter((line) => line.startsWith('Deleted') && !line.includes(probe));
    },
  };
}

async function end(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.stdin!.end('\n');
  await gone;
}
