/**
 * The reporter, one for the whole run. Its code weighs more than the rest of the daemon. It is loaded only if something
 * is sent, and only after the host is held. Earlier reports wait in this file.
 */
import type { Occurrence, Sample } from '../../probes/probe.ts';
import type { DesiredReport } from '../config/desired-daemon.ts';
import type { Host } from '../host/host.ts';
import type { Credentials } from '../report/delivery/credentials.ts';
import type { Identity } from '../report/identity.ts';
import type { Reporter } from '../report/reporter.ts';
import type { Tell } from './daemon-events.ts';
import type { Delivery } from './daemon-setup.ts';

const SPOOL_FOLDER = '/var/lib/holdfast/spool';

interface Wanted {
  readonly host: Host;
  readonly desired: DesiredReport;
  readonly identity: Identity;
}

export class LateReporter implements Delivery {
  readonly #log: Tell;
  readonly #credentials: Credentials;
  #wanted: Wanted | null = null;
  #loading: Promise<Reporter> | null = null;
  #reporter: Reporter | null = null;
  readonly #waiting: ((to: Reporter) => void)[] = [];

  constructor(log: Tell, credentials: Credentials) {
    this.#log = log;
    this.#credentials = credentials;
  }

  /** Takes a new configuration. Returns null if nothing is sent. */
  async update(host: Host, desired: DesiredReport, identity: Identity): Promise<Delivery | null> {
    const reporter = await this.#loading;
    await reporter?.update({ desired, identity });
    this.#wanted = { host, desired, identity };
    return reporter !== null || desired.endpoint !== null ? this : null;
  }

  /** Called after the host is held. A second call changes nothing. */
  async begin(): Promise<void> {
    if (this.#wanted === null || this.#wanted.desired.endpoint === null) return;
    this.#loading ??= this.#load(this.#wanted);
    this.#reporter = await this.#loading;
    for (const tell of this.#waiting.splice(0)) tell(this.#reporter);
  }

  event(event: Occurrence): void {
    this.#pass((to) => to.event(event));
  }

  heartbeat(samples: readonly Sample[]): void {
    this.#pass((to) => to.heartbeat(samples));
  }

  healthy(now: number): boolean {
    return this.#reporter?.healthy(now) ?? true;
  }

  async stop(deadline: number): Promise<void> {
    await this.begin();
    await this.#reporter?.stop(deadline);
  }

  #pass(tell: (to: Reporter) => void): void {
    if (this.#reporter === null) this.#waiting.push(tell);
    else tell(this.#reporter);
  }

  async #load({ host, desired, identity }: Wanted): Promise<Reporter> {
    const { Reporter } = await import('../report/reporter.ts');
    const reporter = new Reporter({
      desired,
      identity,
      // Counters outside the reporter started with the process, so every counter's start time is the process's.
      start: Math.floor(performance.timeOrigin),
      spoolFolder: host.locate(SPOOL_FOLDER),
      log: this.#log,
      credentials: this.#credentials,
    });
    reporter.start();
    return reporter;
  }
}
