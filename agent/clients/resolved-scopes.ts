/**
 * The servers and domains that the running systemd-resolved asks, by resolvectl(1). The daemon looks every 30 s, so an answer
 * is kept while the files that systemd-resolved and systemd-networkd write at a change are as they were.
 */

import { nullIfRefused } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { systemdVersion } from '../host/service/systemd-version.ts';

/** systemd-resolved writes its resolv.conf and links of other programs here, and systemd-networkd its links. */
const WRITTEN = ['/run/systemd/resolve', '/run/systemd/resolve/netif', '/run/systemd/netif/links'];
/** Milliseconds for systemd-resolved to take over what the files say. An answer of that time is not kept. */
const YOUNG = 2000;
/** Milliseconds. `systemctl reload` of systemd 257 can change the domains, and no file in /run tells so. */
const KEPT_FOR = 300_000;

/** The servers and domains of systemd-resolved itself (`Global`), of one link, or of one dns-delegate file. */
export interface ResolvedScope {
  readonly kind: 'global' | 'link' | 'delegate';
  readonly name: string;
  readonly servers: readonly string[];
  /** Search domains, and routing domains as `~name`. */
  readonly domains: readonly string[];
}

/** The first version that reads dns-delegate files. */
const FIRST_WITH_DELEGATES = 258;

/** By systemd on the disk. */
export function readsDelegates(host: Host): boolean {
  return (systemdVersion(host) ?? 0) >= FIRST_WITH_DELEGATES;
}

interface KeptScopes {
  readonly identity: string;
  /** By performance.now(). */
  readonly at: number;
  readonly scopes: readonly ResolvedScope[];
}

const kept = new WeakMap<Host, KeptScopes>();

/**
 * As the running systemd-resolved has them, the global scope first. null if it does not answer. An answer may be older
 * than a reload by up to five minutes.
 */
export function resolvedScopes(host: Host): readonly ResolvedScope[] | null {
  const { identity, changed } = writtenState(host);
  const known = kept.get(host);
  if (known?.identity === identity && performance.now() - known.at < KEPT_FOR) return known.scopes;
  kept.delete(host);
  const isSettled = Date.now() - changed > YOUNG;
  const scopes = askScopes(host);
  if (scopes !== null && isSettled) kept.set(host, { identity, at: performance.now(), scopes });
  return scopes;
}

/** `changed`: the time of the last change, in milliseconds since the epoch. */
function writtenState(host: Host): { readonly identity: string; readonly changed: number } {
  const processes = host.processes('systemd-resolve', 'network');
  const parts = processes.map(({ pid, sinceBoot }) => `${pid} ${sinceBoot}`);
  let changed = 0;
  const within = (folder: string) => (nullIfRefused(() => host.list(folder)) ?? []).map((name) => `${folder}/${name}`);
  for (const path of WRITTEN.flatMap((folder) => [folder, ...within(folder)])) {
    const stats = nullIfRefused(() => host.stat(path));
    if (stats === null) continue;
    parts.push(`${path} ${stats.ino} ${stats.size} ${stats.ctimeMs}`);
    changed = Math.max(changed, stats.ctimeMs);
  }
  return { identity: parts.join('\n'), changed };
}

/** Asks also if an answer is kept. */
export function askScopes(host: Host): readonly ResolvedScope[] | null {
  const [servers, domains] = ['dns', 'domain'].map((verb) => host.run('resolvectl', [verb]));
  if (servers?.status !== 0 || domains?.status !== 0) return null;
  const ofDomains = scopeLines(domains.stdout);
  const all = scopeLines(servers.stdout).map(({ kind, name, words }) => ({
    kind,
    name,
    servers: words,
    domains: ofDomains.find((one) => one.kind === kind && one.name === name)?.words ?? [],
  }));
  return all[0]?.kind === 'global' ? all : null;
}

interface ScopeLine extends Pick<ResolvedScope, 'kind' | 'name'> {
  readonly words: string[];
}

/**
 * `Global: 10.0.0.2`, `Link 2 (eth0): 10.0.0.1 10.0.0.3` and, since systemd 258, `Delegate corp: 10.0.0.4`. A long list
 * goes on in lines that begin with blanks.
 */
export function scopeLines(text: string): ScopeLine[] {
  const found: ScopeLine[] = [];
  for (const line of text.split('\n')) {
    const [, global, link, delegate, rest = ''] =
      /^(?:(Global)|Link \d+ \((.+)\)|Delegate ([^:]+)):(.*)$/.exec(line) ?? [];
    const name = global ?? link ?? delegate;
    const kind = global !== undefined ? 'global' : link !== undefined ? 'link' : 'delegate';
    if (name !== undefined) found.push({ kind, name, words: wordsIn(rest) });
    else found.at(-1)?.words.push(...wordsIn(line));
  }
  return found;
}

function wordsIn(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
