/**
 * `agent init`: the host's present settings become a commented configuration, which changes nothing and keeps the
 * settings. A setting that cannot be taken over is written as a comment with the reason, so that no setting is lost
 * silently.
 */
import { type Checked, show } from '../config-error.ts';
import { checkOptionValues, findOption } from '../notation/dhcp-options.ts';
import { dnsSettingOf } from '../notation/dns-options.ts';
import { interfaceNameProblem } from '../notation/names.ts';
import { checkSysctlKey, sysctlKey } from '../notation/sysctl-keys.ts';
import { sysctlKeyProblem, sysctlValueProblem } from '../sysctl/problems.ts';
import { shownText } from '../sysctl/secret-sysctls.ts';
import { flow, note } from '../yaml-text.ts';
import { dnsSection } from './dns.ts';
import type { HostFacts } from './host-facts.ts';
import { noted, withHeading } from './section.ts';

/** Always a configuration that loads without an error, whatever the facts are. Pure ASCII. */
export function renderInitial(facts: HostFacts): string {
  const lines = [...dnsSection(facts), '', ...dhcpSection(facts), '', ...sysctlSection(facts)];
  const some = lines.some((line) => !/^ *(?:#|$)/.test(line));
  return `${[HEAD, ...lines, ...(some ? [] : NOTHING)].join('\n')}\n`;
}

const HEAD = `# Holdfast's configuration, made by \`agent init\` from what this host has now: applied as it is, it changes none of
# these settings and makes them stay. Files of agent.d/*.yaml beside it are merged into it in name order.
# Next: edit, then \`agent plan\` (shows what would change: hooks and lines that make these values stay), then \`agent apply\`.
`;

/** A configuration without any setting must say that this is intended. */
const NOTHING = [
  '',
  '# This host has none of these settings. Take this line out with the first one that you write:',
  'hold: nothing',
];

// ---- dhcp

function dhcpSection({ supersedes }: HostFacts): string[] {
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
  // The settings of dhclient.conf count for dhclient only, as before. A setting that the operator writes counts for every
  // client.
  if (lines.some((line) => !/^ *#/.test(line)))
    return withHeading('dhclient', lines, 'Further options, as dhclient.conf has them.', []);
  return withHeading(
    'dhcp',
    lines,
    'Further options, whichever client takes the lease, and what it asks the server for.',
    ['supersede: { ntp-servers: [10.34.56.80] }', 'request: { without: [routers], also: [interface-mtu] }'],
  );
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
    const problem = problemOf(checkSysctlKey(key)) ?? sysctlKeyProblem(path) ?? sysctlValueProblem(path, value);
    if (problem) notes.push(`not taken over from ${file}:${line}: ${key} = ${shownText(path, value)}: ${problem}`);
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
  const about =
    settings.size > 0
      ? 'Kernel settings (net.*) that are persisted on this host.'
      : 'Kernel settings (net.*). None was taken over from this host; examples:';
  return withHeading('sysctl', lines, about, [
    'net.ipv4.ip_forward: 1',
    'net.netfilter.nf_conntrack_max: { value: 262144, optional: true }',
  ]);
}

function integer(value: string): number | null {
  return /^(0|-?[1-9][0-9]*)$/.test(value) && Number.isSafeInteger(Number(value)) ? Number(value) : null;
}

function problemOf(checked: Checked): string | undefined {
  return 'problem' in checked ? checked.problem : undefined;
}
