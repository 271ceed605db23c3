/** Takes heartbeats and events, keeps them until the collector has them, and counts those that were given up. */
import { randomBytes } from 'node:crypto';
import { uptime } from 'node:os';
import { type EventSeverity, type Occurrence, type Sample, type SampleAttributes, sample } from '../../probes/probe.ts';
import type { DesiredReport } from '../config/desired-daemon.ts';
import { errorMessage } from '../host/errors.ts';
import { Credentials } from './delivery/credentials.ts';
import { Client } from './delivery/http-client.ts';
import { Lane, TIMING, type Timing } from './delivery/lane.ts';
import type { EventRecord, HeartbeatMeasurements } from './heartbeat.ts';
import type { Identity } from './identity.ts';
import { events, metrics } from './otlp-encoding.ts';
import { type Signal, Spool, type SpoolLoss } from './spool/spool.ts';

export interface ReporterOptions {
  readonly desired: DesiredReport;
  readonly identity: Identity;
  /** The start time of counters, in milliseconds since the epoch. Default: now. */
  readonly start?: number;
  /** A real path that only this reporter uses, because a host has one daemon. Made if it is missing. */
  readonly spoolFolder: string;
  /** Logs the state of the delivery, only on this host. */
  readonly log: (event: Occurrence) => void;
  readonly timing?: Timing;
  /** Shared with the code that inspects the files. Default: its own. */
  readonly credentials?: Credentials;
}

interface Delivery {
  readonly client: Client;
  readonly metrics: Lane<HeartbeatMeasurements>;
  readonly events: Lane<EventRecord>;
}

/** The most characters of one text of an event. Some texts quote logs that any user may write to. */
const LONGEST_TEXT = 4096;

/** Its methods never throw and never wait for the collector. Without an endpoint they do nothing. */
export class Reporter {
  readonly #options: ReporterOptions;
  readonly #start: number;
  readonly #credentials: Credentials;
  /** Computed once: corrections of the clock would change a second result, and each change would look like a boot. */
  readonly #boot = Math.round(Date.now() / 1000 - uptime()) * 1000;
  /** Distinguishes the events of this start from the events of all other starts. */
  readonly #name = randomBytes(8).toString('hex');
  readonly #lost = new Map<string, { attributes: SampleAttributes; count: number }>();
  #desired: DesiredReport;
  #identity: Identity;
  #spool: Spool | null = null;
  #delivery: Delivery | null = null;
  #sequence = 0;
  #events = 0;

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#start = options.start ?? Date.now();
    this.#credentials = options.credentials ?? new Credentials();
    this.#desired = options.desired;
    this.#identity = options.identity;
  }

  /** Loads the records that an earlier process left, and begins to deliver. */
  start(): void {
    const { endpoint, spool: bound } = this.#desired;
    if (endpoint === null || this.#delivery !== null) return;
    let client: Client;
    try {
      client = new Client(endpoint, this.#desired, this.#credentials);
    } catch (error) {
      this.#tell('error', 'holdfast.delivery.failed', `nothing can be sent to the collector: ${errorMessage(error)}`);
      return;
    }
    this.#spool ??= this.#open(bound);
    this.#spool.bound = bound;
    const { format } = this.#desired;
    const timing = this.#options.timing ?? TIMING;
    const common = (signal: Signal) => ({
      client,
      format,
      timing,
      queue: this.#spool![signal],
      lost: (reason: SpoolLoss, count: number) => this.#lose(signal, reason, count),
      trouble: (reason: string | null) => this.#tellDelivery(signal, reason),
    });
    this.#delivery = {
      client,
      metrics: new Lane({ ...common('metrics'), encoding: metrics, path: '/v1/metrics', records: 64 }),
      events: new Lane({ ...common('events'), encoding: events, path: '/v1/logs', records: 256 }),
    };
  }

  /** Takes one heartbeat. Adds its number and the spool's figures to the samples. */
  heartbeat(samples: readonly Sample[], occurrences: readonly Occurrence[] = []): void {
    for (const occurrence of occurrences) this.event(occurrence);
    if (this.#spool === null) return;
    const own = [
      sample('holdfast.heartbeat.sequence', ++this.#sequence),
      sample('holdfast.heartbeat.interval', this.#desired.interval / 1000),
      sample('holdfast.spool.size', this.#spool.bytes),
      ...[...this.#lost.values()].map(({ attributes, count }) => sample('holdfast.spool.dropped', count, attributes)),
    ];
    this.#spool.addMeasurements({
      time: Date.now(),
      start: this.#start,
      boot: this.#boot,
      sequence: this.#sequence,
      samples: [...samples, ...own],
      resource: this.#identity.resource,
    });
    this.#delivery?.metrics.wake();
  }

  /** Takes one event. When this returns, the kernel has the event, so a killed process does not lose it. */
  event(event: Occurrence): void {
    if (this.#spool === null) return;
    const { resource } = this.#identity;
    const id = `${this.#name}-${++this.#events}`;
    this.#spool.addEvent({ id, observed: Date.now(), event: clipped(event), resource });
    this.#delivery?.events.wake();
  }

  /** Whether waiting records are delivered or tried. `now` is performance.now(). */
  healthy(now: number): boolean {
    return this.#delivery === null || (this.#delivery.metrics.healthy(now) && this.#delivery.events.healthy(now));
  }

  /** Takes another configuration. Numbers and counters go on. */
  async update({ desired, identity }: Pick<ReporterOptions, 'desired' | 'identity'>): Promise<void> {
    this.#identity = identity;
    if (JSON.stringify(desired) === JSON.stringify(this.#desired)) return;
    this.#desired = desired;
    await this.#halt(0);
    if (desired.endpoint === null) await this.#close();
    this.start();
  }

  /** Sends what it can within so many milliseconds. The rest stays on disk for the next start. */
  async stop(deadline: number): Promise<void> {
    await this.#halt(deadline);
    await this.#close();
  }

  async #halt(deadline: number): Promise<void> {
    const delivery = this.#delivery;
    this.#delivery = null;
    await Promise.all([delivery?.metrics.stop(deadline), delivery?.events.stop(deadline)]);
    delivery?.client.close();
  }

  async #close(): Promise<void> {
    const spool = this.#spool;
    this.#spool = null;
    await spool?.close();
  }

  #open(bound: number): Spool {
    return new Spool({
      folder: this.#options.spoolFolder,
      bound,
      lost: (signal, reason, count) => this.#lose(signal, reason, count),
      trouble: (signal, message) =>
        message === null
          ? this.#tell('info', 'holdfast.spool.restored', `the spool of ${signal} is on disk again`)
          : this.#tell('warn', 'holdfast.spool.trouble', `${signal}: ${message}`),
    });
  }

  #lose(signal: Signal, reason: SpoolLoss, count: number): void {
    const key = `${signal} ${reason}`;
    const known = this.#lost.get(key);
    if (known === undefined) {
      this.#tell('warn', 'holdfast.spool.dropped', `${signal} records are given up from now on: ${reason}`);
    }
    this.#lost.set(key, { attributes: { signal, reason }, count: (known?.count ?? 0) + count });
  }

  #tellDelivery(signal: Signal, reason: string | null): void {
    if (reason === null) this.#tell('info', 'holdfast.delivery.restored', `${signal} reach the collector again`);
    else this.#tell('warn', 'holdfast.delivery.failed', `${signal} do not reach the collector: ${reason}`);
  }

  #tell(severity: EventSeverity, name: string, body: string): void {
    this.#options.log({ kind: 'event', name, severity, time: Date.now(), body, attributes: {} });
  }
}

function clipped(event: Occurrence): Occurrence {
  const clip = <T>(value: T) => (typeof value === 'string' ? value.slice(0, LONGEST_TEXT) : value);
  const attributes = Object.fromEntries(Object.entries(event.attributes).map(([key, value]) => [key, clip(value)]));
  return { ...event, body: clip(event.body), attributes };
}
