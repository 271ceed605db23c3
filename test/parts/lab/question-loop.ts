/**
 * Asks a server for one name after the other, without a pause. As a program: `node question-loop.ts SERVER DOMAIN`; prints
 * `ready` after the first answer, and with the end of its standard input what became of the questions.
 */
import { createSocket } from 'node:dgram';
import { join } from 'node:path';
import { decode, encode } from 'dns-packet';
import { REPOSITORY } from '../repository.ts';
import type { LabHost } from './host.ts';
import { Log } from './log.ts';

/** Milliseconds: the C library waits as long before it asks again. */
const LOST_AFTER = 5000;

export interface QuestionsAsked {
  readonly asked: number;
  /** Without an answer, or with an answer that is a failure. */
  readonly lost: number;
  /** How often each address was the answer. */
  readonly answers: Readonly<Record<string, number>>;
}

/** Asks for `n1.DOMAIN`, `n2.DOMAIN` … until `end()`. */
export async function askOnAndOn(
  host: LabHost,
  server: string,
  domain: string,
): Promise<{ end(): Promise<QuestionsAsked> }> {
  const program = join(REPOSITORY, 'test/parts/lab/question-loop.ts');
  const child = host.spawn([process.execPath, program, server, domain]);
  child.stderr!.pipe(process.stderr);
  const log = new Log(child.stdout!);
  await log.until(/^ready/);
  return {
    end: async () => {
      child.stdin!.end();
      return JSON.parse(await log.until(/^\{/)) as QuestionsAsked;
    },
  };
}

if (import.meta.main) {
  const [server, domain] = process.argv.slice(2) as [string, string];
  const answers: Record<string, number> = {};
  let [asked, lost, over] = [0, 0, false];
  process.stdin.resume().once('end', () => {
    over = true;
  });
  while (!over) {
    asked += 1;
    const found = await ask(`n${asked}.${domain}`);
    if (found === null) lost += 1;
    else answers[found] = (answers[found] ?? 0) + 1;
    if (asked === 1) console.log('ready');
  }
  console.log(JSON.stringify({ asked, lost, answers }));

  function ask(name: string): Promise<string | null> {
    const socket = createSocket('udp4');
    return new Promise((resolve) => {
      const end = (result: string | null) => {
        clearTimeout(timer);
        socket.close();
        resolve(result);
      };
      const timer = setTimeout(end, LOST_AFTER, null);
      socket.once('error', () => end(null));
      socket.once('message', (bytes) => {
        const [first] = decode(bytes).answers ?? [];
        end(first?.type === 'A' ? first.data : null);
      });
      socket.connect(53, server, () =>
        socket.send(encode({ type: 'query', id: asked & 0xffff, flags: 0x100, questions: [{ name, type: 'A' }] })),
      );
    });
  }
}
