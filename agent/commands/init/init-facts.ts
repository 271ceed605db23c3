/** The settings that this host has now: those that `agent init` takes over, and those that it must leave out. */
import { confNames, interfaceOf } from '../../clients/dhclient/conf/conf-files.ts';
import { parseConf, type Statement } from '../../clients/dhclient/conf/grammar/grammar.ts';
import { wordsOf } from '../../clients/dhclient/conf/grammar/statement.ts';
import { dhcpClients } from '../../clients/dhclient/running.ts';
import { dnsStatements } from '../../clients/dhcpcd/conf.ts';
import { DHCPCD_CONF } from '../../clients/dhcpcd/running.ts';
import { show } from '../../config/config-error.ts';
import { type HostFacts, NO_SPLIT } from '../../config/init/host-facts.ts';
import { sysctlKey } from '../../config/notation/sysctl-keys.ts';
import { meansSame, withoutComment } from '../../config/sysctl/kinds.ts';
import { sysctlVariableOrTwin } from '../../config/sysctl/relations.ts';
import { isSecretSysctl, SECRET } from '../../config/sysctl/secret-sysctls.ts';
import { nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { OF_DNS, RESOURCE_NAMES, type ResourceName } from '../../resources/resource-names.ts';
import { type Assignment, persistedSysctls } from '../../resources/sysctl/boot/sysctl-files.ts';
import { NO_RESOLVER, resolverFacts, UNSAID } from './resolver-facts.ts';
import { splitFacts } from './split/split-facts.ts';

export interface Gathered {
  readonly facts: HostFacts;
  /** One sentence each, with file and line. */
  readonly leftOut: readonly string[];
}

/** `only` limits the look to the settings that these resources hold. */
export function gather(host: Host, only: readonly ResourceName[] = RESOURCE_NAMES): Gathered {
  const isWanted = (...names: readonly string[]) => only.some((name) => names.includes(name));
  const read = isWanted('hooks', 'dhclient') ? confs(host).map(({ file, iface }) => supersedes(host, file, iface)) : [];
  const sysctls = isWanted('sysctl') ? persisted(host) : { taken: [], leftOut: [] };
  const withDns = isWanted(...OF_DNS);
  return {
    facts: {
      resolver: withDns ? resolverFacts(host) : NO_RESOLVER,
      split: withDns ? splitFacts(host, UNSAID) : NO_SPLIT,
      supersedes: read.flatMap(({ taken }) => taken),
      sysctls: sysctls.taken,
      ipv6RouteMaxSize: host.live && isWanted('sysctl') ? host.sysctl('net/ipv6/route/max_size') : null,
    },
    leftOut: [
      ...read.flatMap(({ leftOut }) => leftOut),
      ...(isWanted('dhcpcd') ? ofDhcpcd(host) : []),
      ...sysctls.leftOut,
    ],
  };
}

/** Lists each file once for all interfaces, and once for each interface with a block of its own. */
function confs(host: Host): { file: string; iface: string | null }[] {
  const named = confNames(host, dhcpClients(host)).map((file) => ({ file, iface: interfaceOf(file) }));
  const read = new Map(named.toReversed().map((one) => [`${host.target(one.file)} ${one.iface}`, one]));
  return [...read.values()].reverse();
}

function supersedes(host: Host, file: string, iface: string | null) {
  const taken: HostFacts['supersedes'][number][] = [];
  const leftOut: string[] = [];
  const visit = (statements: readonly Statement[], scope: string | null, conditional: boolean) => {
    for (const one of statements) {
      const { kind, line, values } = one;
      if (kind === 'interface') visit(one.body, one.name, conditional);
      else if (kind === 'conditional') visit(one.body, scope, true);
      else if (kind === 'supersede') {
        const option = optionName(one);
        const sound = one.live && one.problems.length === 0;
        if (sound && !conditional && values !== null) taken.push({ interface: scope, option, values, file, line });
        else leftOut.push(`${file}:${line}: supersede ${show(option)}: ${reason(one, conditional)}`);
      } else if (kind === 'include')
        leftOut.push(`${file}:${line}: include ${show(one.name)}: init does not read included files`);
      else if (one.live && one.problems.length === 0) {
        const why = STAYS[kind === 'other' ? one.keyword.text.toLowerCase() : kind];
        if (why !== undefined) leftOut.push(`${file}:${line}: ${wordsOf(one).replace(/;$/, '')}: ${why}`);
      }
    }
  };
  const conf = parseConf(host.readText(file) ?? '');
  visit(conf.statements, iface, false);
  const errors = conf.problems.map(({ line, message }) => {
    return `${file}:${line}: ${message}: correct this first; "agent apply" fails and leaves a file with errors unchanged`;
  });
  return { taken, leftOut: [...errors, ...leftOut] };
}

/** Statements that have no key in the configuration, by kind or keyword, and the fate of each. */
const ADDS =
  'it stays and adds to what the server offers; if the configuration sets this option, the configured value replaces both';
const STAYS: Readonly<Record<string, string>> = {
  prepend: ADDS,
  append: ADDS,
  default:
    'it stays and serves if the server offers none; if the configuration sets this option, the configured value replaces it',
  require: 'it stays: dhclient refuses an offer without these options, so request.without must not name any of them',
  'also require':
    'it stays: dhclient refuses an offer without these options, so request.without must not name any of them',
  script:
    'it stays: dhclient runs this script instead of dhclient-script, so the hooks work only if the script sources them',
  pseudo: 'init does not read pseudo-interfaces',
};

/**
 * dhcpcd.conf's own DNS settings. They are left out, because init takes over resolv.conf, which already shows their
 * effect.
 */
function ofDhcpcd(host: Host): string[] {
  const text = host.readText(DHCPCD_CONF);
  if (text === null) return [];
  return dnsStatements(text).map(({ line, said, scope }) => {
    const where = scope === '' ? '' : ` for ${scope}`;
    return `${DHCPCD_CONF}:${line}: ${said}${where}: it stays; if the configuration's dns sets the same, the hook's value wins`;
  });
}

function reason({ live, problems }: Statement, conditional: boolean): string {
  if (problems[0] !== undefined) return problems[0].message;
  if (!live) return 'dhclient never reads it, because of an error further up';
  return conditional ? 'it depends on a condition' : 'it is an expression';
}

/** The option's name as the statement spells it, without the default prefix `dhcp.`. */
function optionName({ tokens, keyword, valueTokens }: Statement): string {
  const until = valueTokens[0]?.start ?? Number.POSITIVE_INFINITY;
  const words = tokens.filter(({ kind, start }) => {
    return start > keyword.start && start < until && (kind === 'word' || kind === 'number' || kind === 'mark');
  });
  const name = words
    .map(({ text }) => text)
    .join('')
    .replace(/[=;].*$/s, '');
  return name.toLowerCase().replace(/^dhcp\./, '');
}

/**
 * The last assignment of each variable. On a live host only assignments that equal the kernel's value, so that an apply
 * changes nothing.
 */
function persisted(host: Host) {
  const last = new Map<string, Assignment>();
  for (const one of persistedSysctls(host)) {
    last.set(sysctlVariableOrTwin(one.path), { ...one, value: withoutComment(one.path, one.value) });
  }
  const taken: Assignment[] = [];
  const leftOut: string[] = [];
  for (const one of last.values()) {
    const pattern = /[*?[]/.test(one.path);
    const now = host.live && !pattern ? nullIfRefused(() => host.sysctl(one.path)) : undefined;
    if (now === undefined || (now !== null && meansSame(one.path, one.value, now))) taken.push(one);
    else if (one.path.startsWith('net/')) {
      const shown = (value: string) => (isSecretSysctl(one.path) ? SECRET : show(value));
      const is = now === null ? 'this kernel has no such key now' : `it is ${shown(now)} now`;
      leftOut.push(`${one.file}:${one.line}: ${sysctlKey(one.path)} = ${shown(one.value)}: ${is}`);
    }
  }
  return { taken, leftOut };
}
