/** `agent run` on a throw-away host, seen by what it logs. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { LabHost } from './host.ts';
import { Log } from './log.ts';

export interface LoggedEvent {
  readonly level: string;
  readonly event: string;
  readonly msg: string;
  readonly [attribute: string]: unknown;
}

export class RunningAgent {
  readonly log: Log;
  readonly #host: LabHost;
  readonly #child: ChildProcess;
  #seen = 0;

  private constructor(host: LabHost, env: Record<string, string>) {
    this.#host = host;
    this.#child = host.spawn(['sh', '-c', 'echo $$ >/run/lab/agent.pid; exec agent run'], { env });
    this.log = new Log(this.#child.stderr!);
  }

  /** Has applied once, and watches. */
  static async start(host: LabHost, env: Record<string, string> = {}): Promise<RunningAgent> {
    const agent = new RunningAgent(host, env);
    await agent.event('holdfast.start');
    return agent;
  }

  /** The next event of that name, after those that were asked for before. */
  async event(name: string): Promise<LoggedEvent> {
    const index = await this.log.indexOf(new RegExp(`"event":"${name.replaceAll('.', '\\.')}"`), this.#seen);
    this.#seen = index + 1;
    return JSON.parse(this.log.lines[index]!);
  }

  count(name: string): number {
    return this.log.lines.filter((line) => JSON.parse(line).event === name).length;
  }

  async signal(name: string): Promise<void> {
    await this.#host.sh(`kill -${name} $(cat /run/lab/agent.pid)`);
  }

  /** Gives the exit status. */
  async stop(signal = 'TERM'): Promise<number | null> {
    const ended = once(this.#child, 'close');
    await this.signal(signal);
    const [code] = await ended;
    assert.equal(this.count('holdfast.stop'), 1);
    return code;
  }
}
