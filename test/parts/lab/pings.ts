/** Pings every 10 ms from the host, and a look at its address in between: what an interruption costs. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { LabHost } from './host.ts';

export class Pings {
  readonly #host: LabHost;
  readonly #child: ChildProcess;
  readonly #monitor: ChildProcess;
  readonly #output: Promise<string>;
  readonly #changes: Promise<string>;

  private constructor(host: LabHost, child: ChildProcess, monitor: ChildProcess) {
    this.#host = host;
    this.#child = child;
    this.#monitor = monitor;
    this.#output = text(child.stdout!);
    this.#changes = text(monitor.stdout!);
  }

  static async start(host: LabHost, address: string): Promise<Pings> {
    // The kernel tells of every address and route that goes, however short.
    const monitor = host.spawn(['sh', '-c', 'echo $$ >/run/lab/monitor.pid; exec ip -4 monitor address route']);
    const child = host.spawn(['sh', '-c', `echo $$ >/run/lab/ping.pid; exec ping -n -i 0.01 -W 5 ${address}`]);
    await host.sh('until [ -s /run/lab/ping.pid ] && [ -s /run/lab/monitor.pid ]; do sleep 0.05; done; sleep 0.3');
    return new Pings(host, child, monitor);
  }

  /** How many were lost, and which addresses and routes went meanwhile. */
  async stop(): Promise<{ lost: number; gone: string[] }> {
    const ended = [this.#child, this.#monitor].map((child) => once(child, 'exit'));
    await this.#host.sh('sleep 0.3; kill -INT "$(cat /run/lab/ping.pid)"; kill "$(cat /run/lab/monitor.pid)"');
    await Promise.all(ended);
    const output = await this.#output;
    const [, sent, received] = /^(\d+) packets transmitted, (\d+) received/m.exec(output) ?? [];
    if (sent === undefined) throw new Error(output);
    // The last one may be under way.
    const lost = Number(sent) - Number(received);
    const sequence = Number(
      /icmp_seq=(\d+)/.exec(
        output
          .trimEnd()
          .split('\n')
          .findLast((line) => /icmp_seq/.test(line)) ?? '',
      )?.[1],
    );
    const inFlight = Number(sent) - sequence;
    // Tables with a number are the route canary's.
    const gone = (await this.#changes).split('\n').filter((line) => /^Deleted/.test(line) && !/ table \d/.test(line));
    return { lost: lost - inFlight, gone };
  }
}
