import type { Host } from '../../host/host.ts';

/** The servers and domains of systemd-resolved itself (`Global`), or of one link. */
export interface ResolvedScope {
  readonly name: string;
  readonly servers: readonly string[];
  /** Search domains, and routing domains as `~name`. */
  readonly domains: readonly string[];
}

/** As the running systemd-resolved has them, the global scope first. null if it does not answer. */
export function resolvedScopes(host: Host): readonly ResolvedScope[] | null {
  const [servers, domains] = ['dns', 'domain'].map((verb) => host.run('resolvectl', [verb]));
  if (servers?.status !== 0 || domains?.status !== 0) return null;
  const ofDomains = new Map(scopeLines(domains.stdout));
  const all = scopeLines(servers.stdout).map(([name, words]) => ({
    name,
    servers: words,
    domains: ofDomains.get(name) ?? [],
  }));
  return all[0]?.name === 'Global' ? all : null;
}

/** `Global: 10.0.0.2` and `Link 2 (eth0): 10.0.0.1 10.0.0.3`. A long list goes on in lines that begin with blanks. */
export function scopeLines(text: string): [name: string, words: string[]][] {
  const found: [string, string[]][] = [];
  for (const line of text.split('\n')) {
    const [, global, link, rest = ''] = /^(?:(Global)|Link \d+ \((.+)\)):(.*)$/.exec(line) ?? [];
    const name = global ?? link;
    if (name !== undefined) found.push([name, wordsIn(rest)]);
    else found.at(-1)?.[1].push(...wordsIn(line));
  }
  return found;
}

function wordsIn(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
