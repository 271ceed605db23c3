import type { IpAddress } from '../address/accepted.ts';
import type { DesiredConfirm } from './desired-confirm.ts';

/** In the order in which `agent probe` shows them. */
export const PROBE_NAMES = [
  'routes',
  'routes-by-protocol',
  'route-agreement',
  'default-routes',
  'egress',
  'canary',
  'memory-errors',
  'limits',
  'route-failures',
  'leases',
  'nameservers',
  'asked',
  'nearest',
  'metadata',
  'multicast',
  'resources',
] as const;
export type ProbeName = (typeof PROBE_NAMES)[number];

/** The meaning of `report`, `confirm`, `probes` and `expect`. */
export interface DesiredDaemon {
  /** Left out if not configured, which means `manual`. */
  readonly reload?: Reload;
  readonly report: DesiredReport;
  /** null: a change is made without a trial, unless `apply --confirm` says so. */
  readonly confirm: DesiredConfirm | null;
  readonly probes: DesiredProbes;
  readonly expect: DesiredExpect;
}

/** Whether the daemon takes a changed configuration by itself, or only on SIGHUP. */
export type Reload = 'auto' | 'manual';

export interface DesiredReport {
  /** False: the daemon only observes, and heals nothing. It keeps the ledger, which also only observes. */
  readonly enforce: boolean;
  /** Milliseconds between heartbeats; 30,000 if not configured. */
  readonly interval: number;
  /** Base URL of an OTLP/HTTP receiver (`https://collector.example.com:4318`); null if nothing is sent. */
  readonly endpoint: string | null;
  readonly format: 'protobuf' | 'json';
  /** Bytes on disk for undelivered records. */
  readonly spool: number;
  /** Paths of PEM files and of a token file, or `credential:NAME` of systemd; null if not used. */
  readonly ca: string | null;
  readonly certificate: string | null;
  readonly key: string | null;
  readonly tokenFile: string | null;
  readonly labels: Readonly<Record<string, string>>;
}

export interface DesiredProbes {
  /** Logs of routing daemons that are followed for memory errors. */
  readonly logs: readonly { readonly path: string }[];
  /** Units whose messages in the journal are followed for memory errors. */
  readonly journal: readonly string[];
  /** Milliseconds between route canaries; 0 means none. 60,000 if not configured. */
  readonly canary: number;
  /** Names of probes that do not run. */
  readonly off: readonly ProbeName[];
}

export interface DesiredExpect {
  /** How many next hops each default route should have; null if nothing is checked. */
  readonly defaultNexthops: number | null;
  readonly groups: readonly ExpectedGroup[];
}

/** A multicast group that a program on this host should have joined. */
export interface ExpectedGroup {
  readonly group: IpAddress;
  /** The interface. */
  readonly dev: string;
  /** Milliseconds without a query after which a snooping switch forgets the group's members. */
  readonly silence: number;
}
