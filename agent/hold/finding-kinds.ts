/**
 * The kinds of findings. The kind decides how a finding is shown, how the daemon notices its change, and whether the
 * kernel can name the program that changed it.
 */
import { sysctlPath } from '../config/notation/sysctl-keys.ts';

interface Traits {
  /** `diff`: wanted and actual are the whole text. `line`: each is a few words. */
  readonly shown: 'diff' | 'line';
  /** Whether the daemon looks at short intervals, because inotify does not report every change. */
  readonly polled: boolean;
  /** The file through which another program changes it; null if there is no such file. */
  readonly tracedPath: ((key: string) => string) | null;
}

const VALUE: Traits = { shown: 'line', polled: true, tracedPath: null };

const KINDS = {
  /** Its key is the file's path as the host sees it. */
  file: { shown: 'diff', polled: false, tracedPath: (path) => path },
  /** Its key is the sysctl's key in the operator's notation. */
  sysctl: { ...VALUE, tracedPath: (key) => `/proc/sys/${sysctlPath(key)}` },
  route: VALUE,
  /** A policy rule. */
  rule: VALUE,
  /** The values that a daemon was given for a network link. */
  link: VALUE,
  /** The state of a running program. */
  process: VALUE,
  /**
   * What the forwarder that libc asks was told. To ask it costs a process each time, so it is only looked at together
   * with everything else.
   */
  forwarder: { ...VALUE, polled: false },
  /** A table of nftables. */
  table: VALUE,
  /** A whole resource that could not be inspected. */
  resource: VALUE,
} as const satisfies Record<string, Traits>;

export type FindingKind = keyof typeof KINDS;

/** The artifact in a sentence. The key of a link of systemd-resolved or systemd-networkd is only an interface's name. */
export function titleOf({ resource, key }: { readonly resource: string; readonly key: string }): string {
  if (resource === 'networkd' && !/^\/|^dhcp\./.test(key)) return `time servers of ${key}`;
  return resource === 'resolved' && !key.startsWith('/') ? `DNS of ${key}` : key;
}

export function traitsOf({ kind }: { readonly kind: FindingKind }): Traits {
  return KINDS[kind];
}
