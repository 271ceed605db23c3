/** The section `dns` of the configuration that `agent init` writes. */
import { show } from '../config-error.ts';
import { checkNameserver, checkSortlistPair } from '../notation/addresses.ts';
import { DNS_OPTIONS } from '../notation/dns-options.ts';
import { MAX_NAMESERVERS, MAX_SORTLIST } from '../notation/limits.ts';
import { domainProblem, searchProblem } from '../notation/names.ts';
import { resolvOptionProblem } from '../notation/resolv-options.ts';
import { flow } from '../yaml-text.ts';
import type { HostFacts, ResolverFacts } from './host-facts.ts';
import { noted, withHeading } from './section.ts';
import { splitSection } from './split-entries.ts';

type DnsFacts = Pick<HostFacts, 'resolver' | 'split' | 'supersedes'>;

interface Found {
  readonly text: string;
  readonly place: string;
}

export function dnsSection({ resolver, split: found, supersedes }: DnsFacts): string[] {
  const lineOf = byKey(resolver);
  const settings: string[] = [];
  const notes = new Map<string, string[]>();
  const tell = (place: string, text: string) => notes.set(place, [...(notes.get(place) ?? []), text]);
  const from = (key: Key, check: (text: string) => string | undefined, most: number) => {
    const { taken, problems } = take(lineOf[key], check, most);
    for (const { place, text } of problems) tell(place, text);
    if (taken.length > 0) settings.push(`  ${key}: ${key === 'domain' ? flow(taken[0]!) : flow(taken)}`);
    return taken.length > 0;
  };
  const present = {
    domain: from('domain', domainProblem, 1),
    search: from('search', searchProblem, Number.POSITIVE_INFINITY),
    nameservers: from('nameservers', nameserverProblem, MAX_NAMESERVERS),
  };
  from('sortlist', sortlistProblem, MAX_SORTLIST);
  from('options', uniqueOption(), Number.POSITIVE_INFINITY);
  for (const { place, text } of lineOf.overruled) tell(place, text);
  for (const { place, why } of resolver.unused) if (!notes.has(place)) tell(place, why);

  const superseded = Object.entries(DNS_OPTIONS).flatMap(([key, options]) =>
    supersedes
      .filter((one) => one.interface === null && (options as readonly string[]).includes(one.option))
      .map(({ option, values, file, line }) => {
        const says = `${file}:${line} supersedes ${option} with ${show(values.join(', '))}`;
        return present[key as keyof typeof present] ? says : `${says}; to hold that, write dns.${key}`;
      }),
  );
  const left = [...notes].flatMap(([place, texts]) => texts.map((text) => `not taken over from ${place}: ${text}`));
  const split = splitSection(found);
  const commented = (lines: readonly string[]) => lines.map((line) => noted(line.slice(2)));
  const isRefused = resolver.refusals.length > 0;
  const lines = [
    ...resolver.refusals.map(noted),
    ...left.map(noted),
    ...(isRefused ? commented(settings) : settings),
    ...split.notes.map(noted),
    ...(isRefused || !split.isActive ? commented(split.settings) : split.settings),
    ...superseded.map(noted),
  ];
  return withHeading('dns', lines, 'One source for resolv.conf, systemd-resolved and every DHCP client of this host.', [
    'domain: example.com',
    'search: [dev.example.com, example.com]',
    'nameservers: [10.34.56.78, 10.34.56.79]',
    'options: [timeout:1, rotate]',
  ]);
}

type Key = keyof typeof DNS_OPTIONS | 'sortlist' | 'options';

/**
 * The last line of `domain` and `search` counts. If that is `search`, both are kept, because `search` is written after
 * `domain`.
 */
function byKey({ lines }: ResolverFacts): Record<Key, Found[]> & { overruled: Found[] } {
  const of = (keyword: ResolverFacts['lines'][number]['keyword']) => lines.filter((line) => line.keyword === keyword);
  const values = (some: ResolverFacts['lines']) =>
    some.flatMap(({ place, values }) => values.map((text) => ({ place, text })));
  const names = lines.filter(({ keyword }) => keyword === 'domain' || keyword === 'search');
  const last = names.at(-1);
  const kept = last?.keyword === 'search' ? [...of('domain').slice(-1), last] : names.slice(-1);
  const overruled = names
    .filter((line) => !kept.includes(line))
    .map(({ place }) => ({ place, text: `${last?.place}, which comes later, overrules it` }));
  return {
    domain: values(kept.filter(({ keyword }) => keyword === 'domain')),
    search: values(kept.filter(({ keyword }) => keyword === 'search')),
    nameservers: values(of('nameserver')),
    sortlist: values(of('sortlist')),
    options: values(of('options')),
    overruled,
  };
}

function take(found: readonly Found[], check: (text: string) => string | undefined, most: number) {
  const taken: string[] = [];
  const problems: Found[] = [];
  for (const { text, place } of found) {
    const full = taken.length >= most ? `${show(text)}: libc reads only ${most}` : undefined;
    const twice = taken.includes(text) ? `${show(text)} stands there twice` : undefined;
    const problem = twice ?? full ?? check(text);
    if (problem) problems.push({ place, text: problem });
    else taken.push(text);
  }
  return { taken, problems };
}

function nameserverProblem(text: string): string | undefined {
  // With this address as a superseded name server, systemd-resolved would ask itself.
  if (/^127\.0\.0\.5[34]$/.test(text))
    return `${text} is systemd-resolved on this host; write the servers that it asks`;
  const checked = checkNameserver(text);
  return 'problem' in checked ? checked.problem : undefined;
}

function sortlistProblem(text: string): string | undefined {
  const checked = checkSortlistPair(text);
  return 'problem' in checked ? checked.problem : undefined;
}

/** `ndots:1 ndots:2` are two texts for one option. */
function uniqueOption(): (text: string) => string | undefined {
  const names = new Set<string>();
  return (text) => {
    const name = text.replace(/:.*/s, '');
    const problem =
      resolvOptionProblem(text) ?? (names.has(name) ? `${show(text)}: ${name} stands there twice` : undefined);
    names.add(name);
    return problem;
  };
}
