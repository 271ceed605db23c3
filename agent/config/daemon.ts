/** In the order in which `agent probe` shows them. */
export const PROBE_NAMES = [
  'routes',
  'routes-by-protocol',
  'default-routes',
  'egress',
  'canary',
  'memory-errors',
  'route-failures',
  'leases',
  'nameservers',
  'nearest',
  'metadata',
  'multicast',
  'resources',
] as const;
export type ProbeName = (typeof PROBE_NAMES)[number];

/** What the configuration says about looking and reporting: `probes`, `expect` and `report`. */
export interface DesiredDaemon {
  /** Left out where it is not configured: then `manual`. */
  readonly reload?: Reload;
  readonly report: DesiredReport;
  readonly probes: DesiredProbes;
  readonly expect: DesiredExpect;
}

/** Whether the daemon takes a changed configuration by itself, or when it is told to (SIGHUP). */
export type Reload = 'auto' | 'manual';

export interface DesiredReport {
  /** false: observe only, heal nothing. */
  readonly enforce: boolean;
  /** Milliseconds between heartbeats; 30,000 where it is not configured. */
  readonly interval: number;
  /** Base URL of an OTLP/HTTP receiver (`https://collector.example.com:4318`); null: nothing is sent. */
  readonly endpoint: string | null;
  readonly format: 'protobuf' | 'json';
  /** Bytes on disk for what could not be delivered yet. */
  readonly spool: number;
  /** Paths of PEM files, and of a file with a bearer token, or `credential:NAME` of systemd's; null: not used. */
  readonly ca: string | null;
  readonly certificate: string | null;
  readonly key: string | null;
  readonly tokenFile: string | null;
  readonly labels: Readonly<Record<string, string>>;
}

export interface DesiredProbes {
  /** Logs of routing daemons that are followed for memory errors. */
  readonly logs: readonly { readonly path: string }[];
  /** Milliseconds between route canaries; 0: none. 60,000 where it is not configured. */
  readonly canary: number;
  /** Names of probes that are not to run. */
  readonly off: readonly ProbeName[];
}

export interface DesiredExpect {
  /** How many next hops each default route should have; null: not checked. */
  readonly defaultNexthops: number | null;
  readonly groups: readonly ExpectedGroup[];
}

/** A multicast group that something on this host should have joined. */
export interface ExpectedGroup {
  /** IPv4 or IPv6, in its usual notation. */
  readonly group: string;
  /** The interface. */
  readonly dev: string;
  /** Milliseconds that may pass without a query; then a snooping switch has forgotten who wants the group. */
  readonly silence: number;
}
