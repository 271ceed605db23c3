/** Real flows from a throw-away host through its gateways, packet by packet: which gateway each took, and what was lost. */
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { REPOSITORY } from '../repository.ts';
import { FAR } from './gateways.ts';
import type { LabHost } from './host.ts';
import { Log } from './log.ts';

export interface FlowSeen {
  /** In the order in which it took them. */
  readonly gateways: readonly string[];
  /** When each packet was sent that was not answered: milliseconds since the epoch. */
  readonly lost: readonly number[];
}

export class Flows {
  readonly #child: ChildProcess;
  readonly #log: Log;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#log = new Log(child.stdout!);
  }

  /** Twenty packets a second each. */
  static async start(host: LabHost, count: number): Promise<Flows> {
    const inside = join(REPOSITORY, 'test/parts/lab/flows-inside.ts');
    const flows = new Flows(host.spawn([process.execPath, inside, FAR.ipv4, '7', String(count)]));
    await flows.#log.until(/^started$/);
    return flows;
  }

  async stop(): Promise<FlowSeen[]> {
    const ended = new Promise((resolve) => this.#child.once('close', resolve));
    this.#child.stdin!.end('end\n');
    await ended;
    return this.#log.lines.slice(1).map((line) => JSON.parse(line));
  }
}
