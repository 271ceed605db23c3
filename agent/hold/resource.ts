/**
 * The contract of resources. A resource keeps one kind of artifact (resolv.conf, the hooks, dhclient.conf, sysctls).
 * Several resources hold one *setting* (`dns.nameservers`), each at its own moment.
 */
import type { FindingKind } from './finding-kinds.ts';

/** When a host forgets a setting: while it runs, at dhclient's next lease event, at the next boot. */
export type Moment = 'now' | 'lease' | 'boot';

/**
 * `ok`: as wanted. `drifted`: different. `unknown`: could not be seen, for the reason in `reason`. `skipped`: not part
 * of this run (the kernel with `--root`) or of this host (it has no dhclient).
 */
export type State = 'ok' | 'drifted' | 'unknown' | 'skipped';

/** One setting of the operator in one artifact at one moment. Values are for people. */
export interface SettingState {
  /** The setting's name: `dns.nameservers`, `dhclient.supersede.ntp-servers`, `sysctl.net.ipv4.ip_forward`. */
  readonly setting: string;
  readonly moment: Moment;
  readonly state: State;
  readonly wanted: string;
  /** null if absent or not visible. */
  readonly actual: string | null;
  readonly reason?: string;
  /** The values that a hook in place holds, if the hook is of another configuration. */
  readonly older?: readonly string[];
}

/** One artifact compared with the configuration. `plan` shows findings and `apply` acts on them. */
export interface Finding {
  /** The resource's name. */
  readonly resource: string;
  readonly kind: FindingKind;
  /** The file's path as the host sees it, the sysctl's key, the link's name … Unique within the resource and moment. */
  readonly key: string;
  readonly moment: Moment;
  readonly state: State;
  /** null if the artifact should not exist. */
  readonly wanted: string | null;
  /** null if the artifact does not exist or cannot be read. */
  readonly actual: string | null;
  /** Why the finding is unknown or skipped, or a note to the operator. */
  readonly reason?: string;
  /** Why `apply` must not touch the artifact. A drifted and refused finding is a failure with this message. */
  readonly refusal?: string;
  /** True if the change has only now become possible, and no program caused the drift. */
  readonly awaited?: true;
  /** The program that changed the artifact, if the resource can see it; null if it could not. */
  readonly by?: string | null;
  /** Computes the settings. Called only on demand, because `apply` does not need them. */
  settings(): Promise<readonly SettingState[]>;
}

/** The result of `apply` for one finding, read back from the host. */
export interface Outcome {
  readonly resource: string;
  readonly key: string;
  readonly moment: Moment;
  readonly result: 'ok' | 'changed' | 'failed' | 'skipped';
  /** Set on a failure if the artifact was changed, but is still not as wanted. */
  readonly changed?: true;
  /** Set on a failure that is no fault: nothing was tried yet, and an event says nothing of it. */
  readonly postponed?: true;
  /** As in the finding. */
  readonly awaited?: true;
  /** The value read back after the change. */
  readonly actual: string | null;
  /** Why the change failed or was skipped, or a note about it (`not atomic: …`). */
  readonly reason?: string;
}

/** Modelled on mgmt's Validate / Watch / CheckApply. Resources do not depend on each other. */
export interface Resource {
  readonly name: string;
  /** True if it only watches and holds no setting: a daemon with `report.enforce: false` keeps it all the same. */
  readonly observes?: boolean;
  inspect(): Promise<Finding[]>;
  /**
   * Saves what is there, before any resource changes anything. For an artifact that the change of another resource may
   * change: a hook of ours writes resolv.conf as soon as it is there, if a lease is renewed at that moment.
   */
  remember?(finding: Finding): Promise<void>;
  /**
   * Called only for a drifted finding without a refusal. Reads back what it wrote. If it throws, only this finding
   * fails.
   */
  apply(finding: Finding): Promise<Outcome>;
  /**
   * Applies several findings of one look in one pass, if that costs less. Outcomes are in the order of the findings. If
   * it throws, each finding is applied by itself.
   */
  applyMany?(findings: readonly Finding[]): Promise<Outcome[]>;
  /**
   * The present state of everything that these findings are about, for the journal of a trial: a value that JSON takes. For
   * findings that are neither files nor links. `putBackSnapshot` of the resource's undoing makes this state again.
   * null: nothing to note.
   */
  snapshot?(findings: readonly Finding[]): Promise<unknown>;
  /** Absolute paths (as the host sees them). Inspect again when one of them changes. */
  watches(): string[];
  /**
   * For changes that show in no file: calls `changed` when the resource must be inspected again, until the returned
   * function is called. Calls `deaf` with the reason if it cannot see changes.
   */
  follow?(changed: () => void, deaf: (why: string) => void): () => void;
}
