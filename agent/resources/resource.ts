/**
 * The contract of everything that Holdfast keeps on a host. A resource is one kind of artifact (resolv.conf, the hooks,
 * dhclient.conf, sysctls); a *setting* (`dns.nameservers`) is held by several of them, each at its own moment.
 */
import type { FindingKind } from './finding-kinds.ts';

/** When a host forgets a setting: while it runs, at dhclient's next lease event, at the next boot. */
export type Moment = 'now' | 'lease' | 'boot';

/**
 * `ok`: as wanted. `drifted`: different. `unknown`: could not be seen, and `reason` says why. `skipped`: does not belong
 * to this run (the kernel of a `--root` folder) or to this host (no dhclient here).
 */
export type State = 'ok' | 'drifted' | 'unknown' | 'skipped';

/** One operator's setting as one artifact holds it at one moment. Values are for people. */
export interface SettingState {
  /** As configured: `dns.nameservers`, `dhclient.supersede.ntp-servers`, `sysctl.net.ipv4.ip_forward`. */
  readonly setting: string;
  readonly moment: Moment;
  readonly state: State;
  readonly wanted: string;
  /** null: absent, or not to be seen. */
  readonly actual: string | null;
  readonly reason?: string;
}

/** One artifact compared with the configuration: what `plan` shows and `apply` changes. */
export interface Finding {
  /** Name of the resource. */
  readonly resource: string;
  readonly kind: FindingKind;
  /** The file's path as the host sees it, the sysctl's key, the link's name … Unique within the resource and moment. */
  readonly key: string;
  readonly moment: Moment;
  readonly state: State;
  /** null: should not be there. */
  readonly wanted: string | null;
  /** null: is not there, or cannot be read. */
  readonly actual: string | null;
  /** Why it is unknown or skipped, or what the operator should know. */
  readonly reason?: string;
  /** Set where `apply` must not touch it: drifted and refused is a failure, with this as its message. */
  readonly refusal?: string;
  /** It was not possible before, and now it is: nobody has changed it. */
  readonly awaited?: true;
  /** Who changed it, where the resource itself would know; null: it does not. */
  readonly by?: string | null;
  /** Worked out only when it is asked for: `apply` need not know. */
  settings(): Promise<readonly SettingState[]>;
}

/** What `apply` did with one finding, read back from the host. */
export interface Outcome {
  readonly resource: string;
  readonly key: string;
  readonly moment: Moment;
  readonly result: 'ok' | 'changed' | 'failed' | 'skipped';
  /** Set on a failure: it was changed all the same, and is still not as wanted. */
  readonly changed?: true;
  /** As of the finding. */
  readonly awaited?: true;
  /** Read back after the change. */
  readonly actual: string | null;
  /** Why it failed or was skipped, or what the operator should know of a change (`not atomic: …`). */
  readonly reason?: string;
}

/** Borrowed from mgmt's Validate / Watch / CheckApply. Every resource is independent of every other. */
export interface Resource {
  readonly name: string;
  inspect(): Promise<Finding[]>;
  /** Called only for a drifted finding without a refusal; reads back what it wrote. May throw: that is a failure of this finding alone. */
  apply(finding: Finding): Promise<Outcome>;
  /**
   * The same for several findings of one look in one pass, where that costs less than one by one. Outcomes are in the order of
   * the findings. If it throws, each finding is applied by itself.
   */
  applyMany?(findings: readonly Finding[]): Promise<Outcome[]>;
  /** Absolute paths (as the host sees them) whose change means: inspect again. */
  watches(): string[];
  /**
   * Where changes show in no file: calls `changed` when it is to be inspected again, until it is told to stop; `deaf` when it
   * cannot hear of them, with the reason.
   */
  follow?(changed: () => void, deaf: (why: string) => void): () => void;
}
