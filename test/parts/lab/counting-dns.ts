/**
 * A name server that answers every question with an address of its own, and writes down what it was asked. As a program:
 * `node counting-dns.ts ADDRESS ANSWER LOG`; prints `ready`, and ends with its standard input.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Answer, decode, encode } from 'dns-packet';
import { REPOSITORY } from '../repository.ts';
import type { LabHost } from './host.ts';
import { Log } from './log.ts';

/** AA, RD and RA. */
const FLAGS = 0x0580;
/** Seconds: longer than any test, so that an answer of before is seen if a cache keeps it. */
const TTL = 3600;

export interface CountingServer {
  /** The names that it was asked for since the last call, each as often as it was asked. */
  asked(): Promise<string[]>;
  stop(): Promise<void>;
}

/** At `address` of the far side. It answers with `answer`. */
export async function startCountingServer(host: LabHost, address: string, answer: string): Promise<CountingServer> {
  await host.sh(`ip addr replace ${address}/32 dev srv0`, { where: 'server' });
  const log = `/run/lab/asked.${address}`;
  await host.write(log, '');
  const program = join(REPOSITORY, 'test/parts/lab/counting-dns.ts');
  const child = host.spawn([process.execPath, program, address, answer, log], { where: 'server' });
  child.stderr!.pipe(process.stderr);
  await new Log(child.stdout!).until(/^ready/);
  const gone = once(child, 'exit');
  let read = 0;
  return {
    asked: async () => {
      const lines = (await host.read(log)).split('\n').slice(0, -1);
      const fresh = lines.slice(read);
      read = lines.length;
      return fresh;
    },
    stop: async () => {
      child.stdin!.end();
      await gone;
    },
  };
}

if (import.meta.main) {
  const [address, answer, log] = process.argv.slice(2) as [string, string, string];
  const udp = createSocket('udp4').bind(53, address);
  await once(udp, 'listening');
  udp.on('message', (bytes, { port, address: client }) => {
    const { id = 0, questions = [] } = decode(bytes);
    const { name, type } = questions[0]!;
    appendFileSync(log, `${name.toLowerCase()}\n`);
    const records: Partial<Record<string, Answer>> = {
      A: { type: 'A', name, data: answer, ttl: TTL },
      PTR: { type: 'PTR', name, data: `${answer}.example`, ttl: TTL },
      SOA: { type: 'SOA', name, data: { mname: `${answer}.example`, rname: 'a.example' }, ttl: TTL },
    };
    const found = records[type];
    const answers = found === undefined ? [] : [found];
    udp.send(encode({ type: 'response', id, flags: FLAGS, questions, answers }), port, client);
  });
  process.stdin.resume().once('end', () => process.exit());
  console.log('ready');
}
