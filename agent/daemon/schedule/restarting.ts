/** Restarts a DHCP client with pending changes (agent/restart) if that is configured and safe, and emits the results. */
import type { DesiredState } from '../../config/desired.ts';
import { errorCode, errorMessage } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import type { RestartResult } from '../../restart/restart.ts';
import { type EventName, occurrence, type Tell } from '../daemon-events.ts';

/** Milliseconds between looks. */
const LOOK_EVERY = 60_000;
/** Milliseconds after a failed try, which has asked the DHCP server: the first wait and the longest. */
const RETRY = { first: 60_000, longest: 600_000 } as const;

export interface RestartingOptions {
  readonly host: Host;
  /** null if measured values are not known yet. */
  readonly desired: () => DesiredState | null;
  /** False: only observe, change nothing. */
  readonly enforce: boolean;
  /** The command line of an `agent apply --json` for these resources; null if the configuration has changed since. */
  readonly agent: (only: readonly string[]) => Promise<readonly string[] | null>;
}

/** A client that is started again for settings that the running one cannot take. */
export interface RestartableClient {
  readonly program: string;
  readonly events: Readonly<Record<RestartResult['kind'], EventName>>;
  /** Empty if nothing is pending. Throws if another apply runs (EAGAIN), or on a fault. */
  readonly restart: () => Promise<RestartResult[]>;
}

export class Restarting {
  readonly #client: RestartableClient;
  readonly #tell: Tell;
  /** The last emitted text, by client. */
  readonly #told = new Map<string, string>();
  #wait: number = RETRY.first;
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(client: RestartableClient, tell: Tell) {
    this.#client = client;
    this.#tell = tell;
  }

  start(): void {
    this.#plan(0);
  }

  /** Waits for the end of a restart that is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#working;
  }

  #plan(wait: number): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#working = this.#look().then((next) => this.#plan(next));
    }, wait);
  }

  /** Returns the milliseconds until the next look. */
  async #look(): Promise<number> {
    const { program, restart } = this.#client;
    let results: RestartResult[];
    try {
      results = await restart();
    } catch (error) {
      if (errorCode(error) === 'EAGAIN') return LOOK_EVERY; // another apply is running and may restart it
      results = [{ kind: 'failed', client: program, body: `cannot be restarted: ${errorMessage(error)}` }];
    }
    for (const result of results) this.#tellOnce(result);
    if (results.every(({ kind }) => kind === 'restarted')) {
      this.#wait = RETRY.first;
      return LOOK_EVERY;
    }
    const wait = this.#wait;
    this.#wait = Math.min(2 * wait, RETRY.longest);
    return wait;
  }

  #tellOnce({ kind, client, body }: RestartResult): void {
    if (this.#told.get(client) === body) return;
    this.#told.set(client, body);
    const severity = ({ restarted: 'info', postponed: 'warn', failed: 'error' } as const)[kind];
    this.#tell(occurrence(this.#client.events[kind], severity, `${client}: ${body}`));
  }
}
