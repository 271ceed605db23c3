/** `dns.split` of the configuration that `agent init` writes. */
import { rangeOf, unmappedAddress } from '../../address/address-checks.ts';
import { checkNameserver } from '../notation/addresses.ts';
import { MOST_SPLIT_SERVERS, MOST_SPLITS } from '../notation/limits.ts';
import { splitDomainProblem } from '../notation/split-domains.ts';
import { flow, note } from '../yaml-text.ts';
import type { SplitFacts } from './host-facts.ts';

interface Zone {
  readonly domain: string;
  readonly servers: Set<string>;
  readonly places: string[];
  /** Why the domain is left; null if it is taken over. */
  doubt: string | null;
}

export interface SplitSection {
  readonly settings: readonly string[];
  /** Whether the settings count; otherwise they are for the operator to uncomment. */
  readonly isActive: boolean;
  readonly notes: readonly string[];
}

/** A domain is left as a whole if one of its lines is in doubt. */
export function splitSection({ lines, inactive, notes, advice }: SplitFacts): SplitSection {
  const zones = zonesOf(lines);
  const left = zones.filter(({ doubt }) => doubt !== null);
  const taken = zones.filter(({ doubt }) => doubt === null);
  const over = taken.splice(MOST_SPLITS);
  const settings = taken.map(({ domain, servers, places }) => {
    return `    - ${flow({ domains: [domain], servers: [...servers] })}${note(places.join(', '))}`;
  });
  return {
    settings: settings.length === 0 ? [] : ['  split:', ...settings],
    isActive: inactive === null,
    notes: [
      ...notes,
      ...left.map(({ domain, places, doubt }) => `not taken over from ${places.join(', ')}: ${domain}: ${doubt}`),
      ...over.map(
        ({ domain, places }) =>
          `not taken over from ${places.join(', ')}: ${domain}: dns.split takes ${MOST_SPLITS} entries`,
      ),
      ...(settings.length === 0 ? [] : [inactive ?? advice ?? []].flat()),
    ],
  };
}

function zonesOf(lines: SplitFacts['lines']): Zone[] {
  const zones = new Map<string, Zone>();
  for (const { place, domains, servers, doubt } of lines) {
    for (const spelt of domains) {
      const domain = spelt.replace(/(.)\.$/, '$1').toLowerCase();
      const zone = zones.get(domain) ?? { domain, servers: new Set(), places: [], doubt: null };
      zones.set(domain, zone);
      for (const server of servers) zone.servers.add(server);
      if (!zone.places.includes(place)) zone.places.push(place);
      zone.doubt ??= doubt ?? splitDomainProblem(domain) ?? problemOf([...zone.servers]);
    }
  }
  return [...zones.values()];
}

function problemOf(servers: readonly string[]): string | null {
  if (servers.length === 0) return 'it names no server';
  if (servers.length > MOST_SPLIT_SERVERS) return `dns.split takes ${MOST_SPLIT_SERVERS} servers of a domain`;
  const problems = servers.flatMap((server) => {
    const checked = checkNameserver(server);
    if ('problem' in checked) return checked.problem;
    const address = unmappedAddress(checked.value);
    return address !== null && rangeOf(address) === 'loopback' ? `${server} is this host` : [];
  });
  return problems[0] ?? null;
}
