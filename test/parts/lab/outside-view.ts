/**
 * A view from outside: for how long nothing comes through between two places, in either direction. Ten times a second each
 * end makes a new connection to the other. Only the far end counts, so nothing depends on what the watched host says of itself.
 */
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { Family } from '../../../agent/address/address.ts';
import { REPOSITORY } from '../repository.ts';
import { Log } from './log.ts';
import type { LabSystem } from './system.ts';

const INSIDE = join(REPOSITORY, 'test/parts/lab/view-inside.ts');

/** The argument of the program at either end (view-inside.ts). */
export interface ViewEnd {
  readonly listen: number;
  /** The port of the other end. */
  readonly port: number;
  /** The other end, by address or name. */
  readonly peers: readonly { readonly host: string; readonly family: 4 | 6 }[];
}

/** One end: its program, and the addresses or names by which the other end asks for it. */
interface Place {
  readonly spawn: (argv: readonly string[]) => ChildProcess;
  readonly names: Readonly<Partial<Record<Family, string>>>;
  readonly port: number;
}

interface RunningEnd {
  readonly child: ChildProcess;
  readonly log: Log;
}

export class OutsideView {
  readonly #ends: readonly RunningEnd[];

  private constructor(ends: readonly RunningEnd[]) {
    this.#ends = ends;
  }

  /** Returns when both ends listen, and each way has had its first connections. */
  static async open(near: Place, far: Place, families: readonly Family[]): Promise<OutsideView> {
    const ends = [
      [near, far],
      [far, near],
    ].map(([here, there]) => {
      const peers = families.map((family) => ({ host: there!.names[family]!, family: family === 'ipv4' ? 4 : 6 }));
      const end = { listen: here!.port, port: there!.port, peers };
      const child = here!.spawn([process.execPath, INSIDE, JSON.stringify(end)]);
      child.stderr!.on('data', (chunk) => process.stderr.write(chunk));
      return { child, log: new Log(child.stdout!) };
    });
    await Promise.all(ends.map(({ log }) => log.until(/^ready/)));
    await new Promise((resolve) => setTimeout(resolve, 500));
    return new OutsideView(ends);
  }

  /** The longest time without a whole connection, in seconds. */
  async close(): Promise<number> {
    const [, far] = this.#ends;
    for (const { child } of this.#ends) child.stdin!.end();
    const ways = JSON.parse((await far!.log.until(/^longest /)).slice(8)) as [string, number][];
    if (ways.length === 0) throw new Error('nothing came through at all');
    return Math.max(...ways.map(([, milliseconds]) => milliseconds)) / 1000;
  }
}

/** The place that is a network namespace, or the whole, of this system. */
export function placeIn(
  system: LabSystem,
  netns: string | null,
  { names, port }: Pick<Place, 'names' | 'port'>,
): Place {
  const enter = netns === null ? [] : ['ip', 'netns', 'exec', netns];
  return { spawn: (argv) => system.spawn([...enter, ...argv]), names, port };
}

/** A shorter time is no cut: what looks from outside shares the processors. */
const SHORTEST = 1;

/** "10.2 s", for a table. */
export function outsideText(seconds: number): string {
  return seconds < SHORTEST ? 'not' : `${seconds.toFixed(1)} s`;
}
