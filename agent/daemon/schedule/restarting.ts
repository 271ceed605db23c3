/** Restarts dhclients with pending changes (agent/restart) if that is configured and safe, and emits the results. */
import { dhcpClients, staleSince } from '../../clients/dhclient/running.ts';
import { noteStarts } from '../../clients/dhclient/start-records.ts';
import type { DesiredState } from '../../config/desired.ts';
import { errorCode, errorMessage, nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { RESTART, RUN_FOLDER } from '../../host/paths.ts';
import type { RestartResult } from '../../restart/restart.ts';
import { EVENTS, occurrence, type Tell } from '../daemon-events.ts';

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
  /** The command line of an `agent apply --json` for dhclients; null if the configuration has changed since. */
  readonly agent: () => Promise<readonly string[] | null>;
  readonly tell: Tell;
}

export class Restarting {
  readonly #options: RestartingOptions;
  /** The last emitted text, by client. */
  readonly #told = new Map<string, string>();
  #wait: number = RETRY.first;
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: RestartingOptions) {
    this.#options = options;
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
    let results: RestartResult[];
    try {
      results = await this.#restart();
    } catch (error) {
      if (errorCode(error) === 'EAGAIN') return LOOK_EVERY; // another apply is running and may restart it
      results = [{ kind: 'failed', client: 'dhclient', body: `cannot be restarted: ${errorMessage(error)}` }];
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

  async #restart(): Promise<RestartResult[]> {
    const { host, desired, enforce } = this.#options;
    const clients = dhcpClients(host);
    nullIfRefused(() => noteStarts(host, clients));
    const whole = desired();
    const isLeft = host.lstat(RESTART) !== null;
    const mayBe = whole?.restart === 'whenSafe' && clients.some((client) => staleSince(host, client) !== null);
    if (!host.live || !enforce || whole === null || (!isLeft && !mayBe)) return [];
    const { finishRestart, pendingRestarts, restartPending } = await import('../../restart/restart.ts');
    if (!isLeft && pendingRestarts(host, whole).length === 0) return [];
    const { isConfined, restartBySystemd } = await import('../../restart/by-systemd.ts');
    if (isConfined(host)) {
      const agent = await this.#options.agent();
      return agent === null ? [] : restartBySystemd(host, agent);
    }
    const work = mayBe ? () => restartPending(host, whole) : () => finishRestart(host);
    return host.exclusively(RUN_FOLDER, work, 0);
  }

  #tellOnce({ kind, client, body }: RestartResult): void {
    if (this.#told.get(client) === body) return;
    this.#told.set(client, body);
    const [name, severity] = (
      {
        restarted: [EVENTS.dhclientRestarted, 'info'],
        postponed: [EVENTS.dhclientPending, 'warn'],
        failed: [EVENTS.dhclientRestartFailed, 'error'],
      } as const
    )[kind];
    this.#options.tell(occurrence(name, severity, `${client}: ${body}`));
  }
}
