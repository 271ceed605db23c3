/**
 * `agent run`: holds, probes and reports. A bad new configuration leaves the old configuration in force. Ends with a
 * last heartbeat.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Occurrence } from '../../probes/probe.ts';
import { ProbeSchedule } from '../../probes/runner.ts';
import { withUnheldDhcp } from '../clients/unheld-dhcp.ts';
import { waveBesideConfirmed } from '../confirm/trial/wave-record.ts';
import type { SettingView } from '../hold/settings-view.ts';
import { errorMessage, nullIfRefused } from '../host/errors.ts';
import { HANDED_OVER, IN_FORCE } from '../host/paths.ts';
import { AdvertisedWatch } from './advertised-watch.ts';
import { Conditions, EVENTS, type EventName, occurrence, type Tell } from './daemon-events.ts';
import type { ApplySetup, ConfigOnDisk, DaemonOptions, DaemonSetup, WaitingSetup } from './daemon-setup.ts';
import { EgressWatch } from './egress/egress-watch.ts';
import { OperatorFiles } from './files/operator-files.ts';
import { applySetup, observeOnce } from './heal/apply-once.ts';
import { HealRecord } from './heal/heal-record.ts';
import { Keeper } from './heal/keeper.ts';
import { proofEvent } from './heal/proof-event.ts';
import { ProvisionalWatch } from './heal/provisional-watch.ts';
import { resourcesProbe } from './heal/resources-probe.ts';
import { TrialDecisions } from './heal/trial-decisions.ts';
import { WaveWatch } from './heal/wave-watch.ts';
import { Witness } from './heal/witness.ts';
import { Heartbeats } from './heartbeats.ts';
import { DependsWatch } from './schedule/depends-watch.ts';
import { Fetching } from './schedule/fetching.ts';
import { InventoryWatch } from './schedule/inventory-watch.ts';
import { Measuring } from './schedule/measuring.ts';
import { restartableDhclient } from './schedule/restartable-dhclient.ts';
import { restartableNetworkd } from './schedule/restartable-networkd.ts';
import { Restarting } from './schedule/restarting.ts';
import { StandingFile } from './standing.ts';

/**
 * Milliseconds for the last heartbeat and for its delivery. Together they stay below the second that SIGTERM may take.
 */
const LAST_HEARTBEAT = 300;
const LAST_DELIVERY = 400;
/** Milliseconds until `agent status` shows a fight. */
const STANDING_EVERY = 5000;

export class Daemon {
  readonly #options: DaemonOptions;
  readonly #record = new HealRecord();
  readonly #conditions = new Conditions((event) => this.#tell(event));
  readonly #heartbeats = new Heartbeats(this.#conditions, (event) => this.#tell(event));
  #setup: DaemonSetup;
  #witness: Witness;
  #keeper!: Keeper;
  #schedule!: ProbeSchedule;
  #measuring: Measuring | null = null;
  #fetching: Fetching | null = null;
  #restarting: readonly Restarting[] = [];
  #egress: EgressWatch | null = null;
  #files: OperatorFiles | null = null;
  #inventory: InventoryWatch | null = null;
  #depends: DependsWatch | null = null;
  readonly #advertised = new AdvertisedWatch();
  readonly #standing: StandingFile;
  #standingTimer: NodeJS.Timeout | undefined;
  #reloading: Promise<void> = Promise.resolve();
  #provisional: ProvisionalWatch | null = null;
  #waves: WaveWatch | null = null;
  /** The configuration in whose place the confirmed one was to be held, until that succeeds: it may have become unusable. */
  #turnedFrom: string | null = null;
  /** After an undo, the confirmed configuration is held. */
  readonly #decisions: TrialDecisions;

  private constructor(options: DaemonOptions, setup: DaemonSetup) {
    this.#options = options;
    this.#setup = setup;
    this.#witness = new Witness(setup.host);
    this.#standing = new StandingFile(setup.host);
    this.#decisions = new TrialDecisions({
      host: setup.host,
      tell: (event) => this.#tell(event),
      undone: () => void this.reload(),
    });
  }

  /**
   * Applies once, and holds afterwards. If the configuration is bad, the last valid configuration is used. Throws
   * before anything is touched if there is none.
   */
  static async start(options: DaemonOptions): Promise<Daemon> {
    let refused: string | null = null;
    const setup = await options.load().catch(async (error: unknown) => {
      const last = await options.lastGood?.(error).catch(() => null);
      if (!last) throw error;
      refused = `the configuration has errors, so the last valid one is held: ${errorMessage(error)}`;
      return last;
    });
    const daemon = new Daemon(options, setup);
    if (setup.host.live) void daemon.#advertised.start();
    await daemon.#begin(EVENTS.start, 'started');
    if (refused !== null) daemon.#tell(occurrence(EVENTS.configRefused, 'error', refused));
    return daemon;
  }

  /** Takes the configuration on disk. A bad configuration is refused, and the old configuration stays. Never throws. */
  reload(): Promise<void> {
    // Reloads run one after the other. If a file changes after a reload began to read, the next reload reads the file
    // again.
    this.#reloading = this.#reloading.then(() => this.#reload());
    return this.#reloading;
  }

  /** For the watchdog: whether heartbeats are made, probes read, resources held and events delivered. */
  healthy(now: number = performance.now()): boolean {
    const { daemon, delivery } = this.#setup;
    return (
      now - this.#heartbeats.last < 3 * daemon.report.interval + 10_000 &&
      this.#keeper.healthy(now) &&
      this.#schedule.healthy(now) &&
      (delivery === null || delivery.healthy(now))
    );
  }

  /** Ends within a second and leaves the host as it is. */
  async stop(reason: string): Promise<void> {
    this.#heartbeats.close();
    clearTimeout(this.#standingTimer);
    this.#standing.remove();
    this.#tell(occurrence(EVENTS.stop, 'info', `stopped: ${reason}`));
    await Promise.race([this.#heartbeats.beat(), sleep(LAST_HEARTBEAT)]);
    this.#heartbeats.close();
    this.#inventory?.close();
    this.#depends?.close();
    this.#advertised.close();
    this.#witness.close();
    await Promise.race([
      Promise.allSettled([this.#end(true), this.#setup.delivery?.stop(LAST_DELIVERY)]),
      sleep(LAST_DELIVERY),
    ]);
  }

  async #begin(name: EventName, deed: string): Promise<void> {
    const setup = this.#setup;
    const { host, desired, resources, agent, guard, nearness, metadata, daemon, hash, beatSeed, probes, delivery } =
      setup;
    const { trial = null, waits = null } = setup;
    const { enforce, interval } = daemon.report;
    const tell: Tell = (event) => this.#tell(event);
    this.#listen(setup);
    if (waits !== null) this.#turnedFrom = null;
    // Before the apply, which may make the same change again and confirm it.
    this.#decisions.tellPutBack(setup.putBack ?? null, hash);
    const applied = await (enforce ? applySetup(setup) : observeOnce(host, resources));
    if (enforce && trial !== null) void trial.adopt().then(() => this.#decisions.follow(trial));
    this.#record.forgiveFailures();
    nullIfRefused(() => host.remove(HANDED_OVER));
    const isSuperseded = () => (nullIfRefused(() => host.readText(HANDED_OVER))?.trim() ?? hash) !== hash;
    const [record, witness] = [this.#record, this.#witness];
    this.#keeper = new Keeper({
      host,
      resources,
      guard: enforce ? (trial?.healing ?? guard) : null,
      joint: enforce ? (trial?.joint ?? null) : null,
      enforce,
      record,
      witness,
      tell,
      isSuperseded,
    });
    const complete = (views: readonly SettingView[]) => {
      const whole = desired();
      return whole === null ? views : withUnheldDhcp(host, whole.dhcp, views, undefined);
    };
    const all = daemon.probes.off.includes('resources')
      ? probes
      : [...probes, resourcesProbe(this.#keeper, this.#record, complete)];
    this.#schedule = new ProbeSchedule(all, { interval, onOccurrence: tell });
    const provisional = new ProvisionalWatch({
      ...{ host, hash, trial: enforce ? trial : null, tell },
      undone: () => void this.reload(),
    });
    this.#provisional = provisional;
    const waves = new WaveWatch({
      ...{ host, hash: waits?.hash ?? hash, isHeld: waits === null },
      tries: waits !== null || (enforce && trial !== null),
      waves: daemon.confirm?.waves != null,
      apply: () => (waits === null ? applySetup(setup) : this.#ask(waits)),
      turn: () => this.#turn(hash),
    });
    this.#waves = waves;
    const own = () => [...provisional.samples(), ...waves.samples()];
    this.#heartbeats.take({ schedule: this.#schedule, delivery, interval, own, seed: beatSeed });
    this.#keeper.watch();
    this.#tellStanding();
    this.#tell(occurrence(name, 'info', `${deed}: ${applied}`, { config: hash.slice(0, 12) }));
    nullIfRefused(() => host.replaceOwn(IN_FORCE, `${hash}\n`, 0o644));
    await this.#keeper.look();
    this.#schedule.start();
    this.#measuring = nearness === null ? null : new Measuring(nearness, this.#keeper, tell);
    this.#measuring?.start();
    this.#fetching = metadata === null ? null : new Fetching(metadata, this.#keeper, tell);
    this.#fetching?.start();
    this.#restarting = [restartableDhclient, restartableNetworkd].map((clientOf) => {
      return new Restarting(clientOf({ host, desired, enforce, agent }), tell);
    });
    for (const one of this.#restarting) one.start();
    this.#egress = new EgressWatch({ host, desired, enforce, hold: () => this.#hold('egress'), tell });
    this.#egress.start();
    this.#heartbeats.start();
    provisional.start(interval);
    waves.start();
    this.#takeInventory();
    this.#watchDependences();
    void this.#followFiles();
  }

  #listen({ guard, trial = null }: ApplySetup): void {
    if (guard !== null) guard.onEvent = (event) => this.#tell(proofEvent(event));
    if (trial !== null) trial.onBegun = () => setImmediate(() => void this.#decisions.follow(trial));
  }

  /** Applies a configuration that waits for its wave, which asks the collector. While it still waits, nothing changes. */
  async #ask({ hash, open }: WaitingSetup): Promise<void> {
    const keeper = this.#keeper;
    const asked = await open();
    if (asked === null) return;
    this.#listen(asked);
    // The keeper must not put back the changes of the apply.
    keeper.pause();
    await applySetup(asked);
    if (waveBesideConfirmed(asked.host, hash) !== null) keeper.resume();
  }

  /**
   * Reads the configuration again, because the confirmed one is to be held in place of the one with this hash, or no longer.
   * False if that was in vain.
   */
  #turn(hash: string): boolean {
    if (this.#turnedFrom === hash) return false;
    this.#turnedFrom = hash;
    void this.reload();
    return true;
  }

  /** Started once for the daemon's life, because a new configuration does not change the machine. */
  #takeInventory(): void {
    const { host, inventory } = this.#setup;
    if (inventory === undefined || this.#inventory !== null) return;
    this.#inventory = new InventoryWatch(host, inventory, (event) => this.#tell(event));
    this.#inventory.start();
  }

  /** Started again with each configuration, because the held name servers may be others now. */
  #watchDependences(): void {
    const { host, depends } = this.#setup;
    this.#depends?.close();
    this.#depends = null;
    if (depends === undefined) return;
    const log: Tell = (event) => this.#options.log(event);
    const send: Tell = (event) => this.#setup.delivery?.event(event);
    this.#depends = new DependsWatch(host, depends, { log, send });
    this.#depends.start();
  }

  async #followFiles(): Promise<void> {
    const { onDisk } = this.#setup;
    if (onDisk === undefined) return;
    this.#files = new OperatorFiles(() => void this.#lookOnDisk(onDisk));
    await this.#files.follow(onDisk.files, onDisk.folders);
    await this.#lookOnDisk(onDisk);
  }

  async #lookOnDisk(onDisk: ConfigOnDisk): Promise<void> {
    const found = await onDisk.look();
    if (onDisk !== this.#setup.onDisk) return;
    if (found === 'reload') void this.reload();
    else this.#conditions.update('configuration', found);
  }

  #hold(resource: string): Promise<void> {
    return this.#keeper.look(this.#setup.resources.filter(({ name }) => name === resource));
  }

  /** `last`: the daemon ends, and no other configuration follows. */
  async #end(last = false): Promise<void> {
    this.#heartbeats.close();
    this.#provisional?.close();
    this.#files?.close();
    this.#measuring?.close();
    this.#fetching?.close();
    await Promise.all([
      this.#keeper.close(),
      this.#waves?.close(),
      this.#schedule.close(),
      ...this.#restarting.map((one) => one.close()),
      this.#egress?.close(last),
    ]);
  }

  async #reload(): Promise<void> {
    let setup: DaemonSetup;
    // An apply that has just changed the host tells the daemon so. The daemon must not put the change back meanwhile.
    this.#keeper.pause();
    try {
      setup = await this.#options.load();
    } catch (error) {
      const body = `the new configuration has errors, so the old one stays in force: ${errorMessage(error)}`;
      this.#tell(occurrence(EVENTS.configRefused, 'error', body));
      nullIfRefused(() => this.#setup.host.remove(HANDED_OVER));
      this.#keeper.resume();
      return;
    }
    await this.#end();
    const before = this.#setup;
    this.#setup = setup;
    const took = before.hash === setup.hash ? 'read the same configuration again' : 'took the new configuration';
    const waits = 'holds the configuration that was confirmed last, because the one on disk waits for its wave';
    await this.#begin(EVENTS.configChanged, setup.waits == null ? took : waits);
  }

  /** Writes the file that `agent status` reads. */
  #tellStanding(): void {
    const { enforce } = this.#setup.daemon.report;
    const fought = this.#record.fought(performance.now());
    const config = this.#setup.onDisk?.files[0];
    clearTimeout(this.#standingTimer);
    const heard = this.#advertised.heard();
    this.#standing.update({ pid: process.pid, enforce, ...(config === undefined ? {} : { config }), fought, heard });
    this.#standingTimer = setTimeout(() => this.#tellStanding(), STANDING_EVERY);
  }

  #tell(event: Occurrence): void {
    this.#options.log(event);
    this.#setup.delivery?.event(event);
  }
}
