/**
 * `agent init`: what a host has now → a commented configuration that would change nothing, and make it stay. Whatever
 * cannot be taken over stands there as a comment with the reason, so that nothing is lost unseen.
 */
import { checkOptionValues, findOption } from '../dhclient/options.ts';
import { checkNameserver, checkSortlistPair } from './addresses.ts';
import { DNS_OPTIONS, dnsSettingOf } from './dns-options.ts';
import { type Checked, show } from './errors.ts';
import { MAX_NAMESERVERS, MAX_SORTLIST } from './limits.ts';
import { domainProblem, interfaceNameProblem, searchProblem } from './names.ts';
import { resolvOptionProblem } from './resolv-options.ts';
import { checkSysctlKey, sysctlKey, sysctlTextProblem } from './sysctl.ts';
import { sysctlKindProblem } from './sysctl-kinds.ts';
import { flow, note } from './yaml-text.ts';

export interface HostFacts {
  /** The text of /etc/resolv.conf; null where there is none. */
  readonly resolvConf: string | null;
  /** What dhclient.conf supersedes now; `interface` is null for what holds in general. */
  readonly supersedes: readonly {
    readonly interface: string | null;
    readonly option: string;
    readonly values: readonly string[];
    readonly file: string;
    readonly line: number;
  }[];
  /** What is persisted, in the order of boot: of those with the same path the last one counts. */
  readonly sysctls: readonly {
    /** Below /proc/sys, with slashes. */
    readonly path: string;
    readonly value: string;
    readonly file: string;
    readonly line: number;
  }[];
  /** The live value of net.ipv6.route.max_size; null where there is none to be seen. */
  readonly ipv6RouteMaxSize: string | null;
}

/** Always a configuration that loads without an error, whatever the facts are. ASCII. */
export function renderInitial(facts: HostFacts): string {
  const lines = [...dnsSection(facts), '', ...dhclientSection(facts), '', ...sysctlSection(facts)];
  const some = lines.some((line) => !/^ *(?:#|$)/.test(line));
  return `${[HEAD, ...lines, ...(some ? [] : NOTHING)].join('\n')}\n`;
}

const HEAD = `# Holdfast's configuration, made by \`agent init\` from what this host has now: applied as it is, it changes none of
# these settings and makes them stay. Files of agent.d/*.yaml beside it are merged into it in name order.
# Next: edit, then \`agent plan\` (shows what would change: hooks and lines that make these values stay), then \`agent apply\`.
`;

/** A configuration without any setting has to say that it is meant. */
const NOTHING = [
  '',
  '# This host has none of these settings. Take this line out with the first one that you write:',
  'hold: nothing',
];

interface Found {
  readonly text: string;
  /** Line of /etc/resolv.conf. */
  readonly line: number;
}

// ---- dns

function dnsSection(facts: HostFacts): string[] {
  const found = readResolvConf(facts.resolvConf ?? '');
  const lines: string[] = [];
  const from = (
    key: keyof typeof DNS_OPTIONS | 'sortlist' | 'options',
    check: (text: string) => string | undefined,
    most: number,
  ) => {
    const { taken, notes } = take(found[key], check, most);
    lines.push(...notes.map(noted));
    if (taken.length > 0) lines.push(`  ${key}: ${key === 'domain' ? flow(taken[0]!) : flow(taken)}`);
    return taken.length > 0;
  };

  const present = {
    domain: from('domain', domainProblem, 1),
    search: from('search', searchProblem, Number.POSITIVE_INFINITY),
    nameservers: from('nameservers', nameserverProblem, MAX_NAMESERVERS),
  };
  from('sortlist', (text) => problemOf(checkSortlistPair(text)), MAX_SORTLIST);
  from('options', uniqueOption(), Number.POSITIVE_INFINITY);
  for (const [key, options] of Object.entries(DNS_OPTIONS)) {
    for (const { option, values, file, line } of facts.supersedes.filter(isGlobal)) {
      if (!(options as readonly string[]).includes(option)) continue;
      const says = `${file}:${line} supersedes ${option} with ${show(values.join(', '))}`;
      lines.push(noted(present[key as keyof typeof present] ? says : `${says}; to hold that, write dns.${key}`));
    }
  }
  return withHeading('dns', lines, 'One source for dhclient.conf, the hooks of dhclient and resolv.conf.', [
    'domain: example.com',
    'search: [dev.example.com, example.com]',
    'nameservers: [10.34.56.78, 10.34.56.79]',
    'options: [timeout:1, rotate]',
  ]);
}

/** As libc reads it: the keyword in the first column or after blanks; of `domain` and `search` the last one counts. */
function readResolvConf(text: string): Record<keyof typeof DNS_OPTIONS | 'sortlist' | 'options', Found[]> {
  const words = text.split('\n').map((row, i) => {
    const all = row.split(/[ \t\r]+/).filter((word) => word !== '');
    const comment = all.findIndex((word) => /^[#;]/.test(word));
    return { line: i + 1, words: comment === -1 ? all : all.slice(0, comment) };
  });
  const of = (keyword: string) => words.filter((row) => row.words[0] === keyword && row.words.length > 1);
  const values = (rows: typeof words) =>
    rows.flatMap((row) => row.words.slice(1).map((word) => ({ text: word, line: row.line })));
  const domain = of('domain').slice(-1);
  const search = of('search').slice(-1);
  const searchCounts = (search[0]?.line ?? 0) > (domain[0]?.line ?? 0);
  return {
    domain: values(domain).slice(0, 1),
    search: searchCounts ? values(search) : [],
    nameservers: of('nameserver').map((row) => ({ text: row.words[1]!, line: row.line })),
    sortlist: values(of('sortlist').slice(-1)),
    options: values(of('options')),
  };
}

function take(found: readonly Found[], check: (text: string) => string | undefined, most: number) {
  const taken: string[] = [];
  const notes: string[] = [];
  for (const { text, line } of found) {
    const full = taken.length >= most ? `${show(text)}: libc reads only ${most}` : undefined;
    const twice = taken.includes(text) ? `${show(text)} stands there twice` : undefined;
    const problem = twice ?? full ?? check(text);
    if (problem) notes.push(`not taken over from /etc/resolv.conf:${line}: ${problem}`);
    else taken.push(text);
  }
  return { taken, notes };
}

function nameserverProblem(text: string): string | undefined {
  // Superseding DNS with it would have systemd-resolved ask itself.
  if (/^127\.0\.0\.5[34]$/.test(text))
    return `${text} is systemd-resolved on this host; write the servers that it asks`;
  return problemOf(checkNameserver(text));
}

/** `ndots:1 ndots:2` are two texts and one option. */
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

// ---- dhclient

function dhclientSection({ supersedes }: HostFacts): string[] {
  const own = supersedes.filter(({ option }) => dnsSettingOf(option) === null);
  const lines: string[] = [];
  const global = supersedeLines(own.filter(isGlobal), '    ');
  lines.push(...global.notes.map(noted));
  if (global.lines.length > 0) lines.push('  supersede:', ...global.lines);

  const names = [...new Set(own.flatMap((one) => one.interface ?? []))];
  const blocks = names.flatMap((name) => {
    const { lines: entries, notes } = supersedeLines(
      own.filter((one) => one.interface === name),
      '        ',
    );
    const problem = interfaceNameProblem(name);
    lines.push(...[...notes, ...(problem ? [`not taken over: ${problem}`] : [])].map(noted));
    return problem || entries.length === 0 ? [] : [`    ${flow(name)}:`, '      supersede:', ...entries];
  });
  if (blocks.length > 0) lines.push('  interfaces:', ...blocks);

  for (const one of supersedes) {
    if (one.interface === null || dnsSettingOf(one.option) === null) continue;
    const says = `${one.file}:${one.line} supersedes ${one.option} with ${show(one.values.join(', '))}`;
    lines.push(noted(`${says} for ${show(one.interface)} alone; resolv.conf is one for the host: see dns`));
  }
  return withHeading('dhclient', lines, 'Further options of dhclient, and what it asks the server for.', [
    'supersede: { ntp-servers: [10.34.56.80] }',
    'request: { without: [routers], also: [interface-mtu] }',
  ]);
}

function supersedeLines(found: HostFacts['supersedes'], indent: string): { lines: string[]; notes: string[] } {
  const lines = new Map<string, string>();
  const notes: string[] = [];
  for (const { option, values, file, line } of found) {
    const known = findOption(option);
    const problem = known ? checkOptionValues(known, values) : 'the option is not known';
    const ascii = values.every((text) => /^[\x20-\x7e]*$/.test(text));
    if (problem || !ascii)
      notes.push(`not taken over from ${file}:${line}: ${option}: ${problem ?? 'it is not ASCII'}`);
    else lines.set(option, `${indent}${flow(option)}: ${flow(values)}${note(`${file}:${line}`)}`);
  }
  return { lines: [...lines.values()], notes };
}

function isGlobal(supersede: { readonly interface: string | null }): boolean {
  return supersede.interface === null;
}

// ---- sysctl

const ROUTE_LIMIT = 'net/ipv6/route/max_size';

function sysctlSection({ sysctls, ipv6RouteMaxSize }: HostFacts): string[] {
  const settings = new Map<string, string>();
  const notes: string[] = [];
  for (const { path, value: raw, file, line } of sysctls) {
    if (!path.startsWith('net/')) continue;
    const value = raw.replace(/[ \t]+/g, ' ').trim();
    const key = sysctlKey(path);
    const problem = problemOf(checkSysctlKey(key)) ?? sysctlTextProblem(value) ?? sysctlKindProblem(path, value);
    if (problem) notes.push(`not taken over from ${file}:${line}: ${key} = ${value}: ${problem}`);
    else settings.set(path, `  ${flow(key)}: ${flow(integer(value) ?? value)}${note(`${file}:${line}`)}`);
  }
  const lines = [...notes.map(noted), ...settings.values()];
  if (!settings.has(ROUTE_LIMIT) && ipv6RouteMaxSize !== null) {
    lines.push(
      noted(
        `net.ipv6.route.max_size is ${ipv6RouteMaxSize.trim()} now; \`agent doctor\` says whether this kernel obeys it:`,
      ),
    );
    lines.push(noted('net.ipv6.route.max_size: { atLeast: 4194304 }'));
  }
  return withHeading('sysctl', lines, 'Kernel settings (net.*) that are persisted on this host.', [
    'net.ipv4.ip_forward: 1',
    'net.netfilter.nf_conntrack_max: { value: 262144, optional: true }',
  ]);
}

function integer(value: string): number | null {
  return /^(0|-?[1-9][0-9]*)$/.test(value) && Number.isSafeInteger(Number(value)) ? Number(value) : null;
}

// ---- all sections

/** A section without a setting is an example in comments: an empty key would be an error. */
function withHeading(name: string, lines: readonly string[], about: string, example: readonly string[]): string[] {
  const some = lines.some((line) => !/^ *#/.test(line));
  const heading = `${some ? '' : '# '}${name}:${note(about)}`;
  if (some) return [heading, ...lines];
  return [heading, ...example.map((line) => `#   ${line}`), ...lines.map((line) => `# ${line}`)];
}

function noted(text: string): string {
  return ` ${note(text)}`;
}

function problemOf(checked: Checked): string | undefined {
  return 'problem' in checked ? checked.problem : undefined;
}
