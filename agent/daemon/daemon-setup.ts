/** What `agent run` is given: one configuration's parts, the way to load the next, and the way to the collector. */
import type { Condition, Occurrence, Probe, Sample } from '../../probes/probe.ts';
import type { DesiredState } from '../config/desired.ts';
import type { DesiredDaemon } from '../config/desired-daemon.ts';
import type { PutBackChange } from '../confirm/trial/put-back-memory.ts';
import type { TrialVerdict } from '../confirm/trial/trial-verdict.ts';
import type { Guard } from '../hold/converge.ts';
import type { Proof } from '../hold/proof/proof.ts';
import type { Outcome, Resource } from '../hold/resource.ts';
import type { Host } from '../host/host.ts';
import type { Metadata } from '../metadata/metadata.ts';
import type { Nearness } from '../nearest/nearness.ts';
import type { Tell } from './daemon-events.ts';

/** Everything that one configuration defines for this host. */
export interface DaemonSetup {
  readonly host: Host;
  /** null until every measured value is known. */
  readonly desired: () => DesiredState | null;
  readonly resources: readonly Resource[];
  /** See `agent` of RestartingOptions. */
  readonly agent: (only: readonly string[]) => Promise<readonly string[] | null>;
  /** Checks each change of DNS; null if none is configured. */
  readonly guard: Proof | null;
  /** Tries each change, with `guard` inside; null or absent if no change is tried. */
  readonly trial?: ChangeTrial | null;
  /** The change of the configuration on disk, if it was put back: all of this is of the confirmed configuration then. */
  readonly putBack?: PutBackChange | null;
  /** The configuration on disk if it waits for its wave: all of this is of the confirmed configuration then. */
  readonly waits?: WaitingSetup | null;
  /** null if no value of the configuration is measured. */
  readonly nearness: Nearness | null;
  /** null if no value of the configuration comes from the cloud's metadata. */
  readonly metadata: Metadata | null;
  readonly daemon: DesiredDaemon;
  /** The hash of the configuration's files. */
  readonly hash: string;
  /** Hexadecimal; sets the heartbeat's phase. */
  readonly beatSeed: string;
  /** All probes except `resources`, which the daemon makes itself. */
  readonly probes: readonly Probe[];
  /** The files that the operator edits, and the look at them after a change. If left out, the files are not watched. */
  readonly onDisk?: ConfigOnDisk;
  /** The command that prints the machine's inventory. If left out, no inventory is taken. */
  readonly inventory?: readonly string[];
  /** The command that prints which name servers this host depends on. If left out, the collector is not told. */
  readonly depends?: readonly string[];
  /** The same object at every reload; null if nothing is sent. */
  readonly delivery: Delivery | null;
}

/** A configuration that is not held yet, because it waits for its wave. */
export interface WaitingSetup {
  readonly hash: string;
  /** null if the disk has another configuration by now. Throws if it has errors. */
  open(): Promise<ApplySetup | null>;
}

/** The parts of a configuration that an apply needs. */
export type ApplySetup = Pick<DaemonSetup, 'host' | 'resources' | 'guard' | 'trial'>;

/** Tries changes (agent/confirm/trial), loaded when something is about to be changed. */
export interface ChangeTrial extends Guard {
  /** Called under the lock of apply after a trial was begun. */
  onBegun: () => void;
  /** For drift from a configuration that was confirmed. */
  readonly healing: Guard;
  /** For drift of several resources, which is healed in one trial. */
  readonly joint: Guard;
  /** Call this after a complete apply. */
  settled(outcomes: readonly Outcome[]): Promise<void>;
  /** Takes over the trial of a process that has ended. Never throws. */
  adopt(): Promise<void>;
  /** Asks the witnesses of a provisional change again (see TrialGuard); null if there is nothing new. */
  proveAgain(signal: AbortSignal, undone: () => void): Promise<TrialVerdict | null>;
  /** Waits for the decision. `undone` is called as soon as a change is put back. null if no trial was begun. */
  decide(undone: () => void): Promise<TrialVerdict | null>;
}

export interface ConfigOnDisk {
  /** The first file is the configuration. */
  readonly files: readonly string[];
  readonly folders: readonly string[];
  /** `reload`: take the configuration that is on disk now. */
  look(): Promise<'reload' | readonly Condition[]>;
}

/** Brings events and heartbeats to the collector, now or later (agent/report). Its methods never throw. */
export interface Delivery {
  event(event: Occurrence): void;
  heartbeat(samples: readonly Sample[]): void;
  /**
   * Whether the delivery still works. A collector that is down does not make it unhealthy. `now` is performance.now().
   */
  healthy(now: number): boolean;
  /** Ends within so many milliseconds; what could not be sent is saved for the next start. */
  stop(deadline: number): Promise<void>;
}

export interface DaemonOptions {
  /** Reads the configuration. Throws with every error if it is bad. */
  readonly load: () => Promise<DaemonSetup>;
  /**
   * Loads the last valid configuration, if `load` threw `error` at the start. Returns null or throws if there is none.
   */
  readonly lastGood?: (error: unknown) => Promise<DaemonSetup | null>;
  readonly log: Tell;
}
