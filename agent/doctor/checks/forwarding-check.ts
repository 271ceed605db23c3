/** Other settings that decide whether a gateway's packets get through, and with which source address. */
import type { Family } from '../../address/address.ts';
import type { DesiredMasquerade, DesiredSysctl } from '../../config/desired.ts';
import { fitsInterface } from '../../config/notation/names.ts';
import { sysctlKey } from '../../config/notation/sysctl-keys.ts';
import type { Host } from '../../host/host.ts';
import type { DoctorObservation, DoctorSurroundings } from '../doctor-check.ts';
import { type ForwardRefusal, refusedByLegacy, refusedByNft } from '../forward-chains.ts';
import { statements } from '../numbered-lines.ts';
import { baseChains, coveredBy, legacyCovers, legacyTables } from '../packet-filters.ts';

const OURS = 'holdfast';
const NFTABLES = '/etc/systemd/system/sysinit.target.wants/nftables.service';
const RULES = '/etc/nftables.conf';
const FORWARDS = { ipv4: 'net/ipv4/ip_forward', ipv6: 'net/ipv6/conf/all/forwarding' } as const satisfies Record<
  Family,
  string
>;

export function* forwardingCheck({ host, desired }: DoctorSurroundings): Iterable<DoctorObservation> {
  if (desired === null) return;
  const { sysctl, masquerade } = desired;
  const isWanted = (family: Family) =>
    sysctl.some(({ path, want }) => path === FORWARDS[family] && 'value' in want && want.value === '1');
  const families = (Object.keys(FORWARDS) as Family[]).filter(isWanted);
  if (host.live && !families.includes('ipv6')) yield* inactive(host, sysctl);
  if (families.length === 0 && masquerade.length === 0) return;
  if (masquerade.length > 0) yield* flushed(host);
  if (!host.live) return;
  yield* useless(host, masquerade, families);
  if (families.includes('ipv6')) yield* deaf(host);
  yield* filters(host, masquerade, new Set([...families, ...masquerade.map(({ family }) => family)]));
}

function* flushed(host: Host): Iterable<DoctorObservation> {
  if (host.lstat(NFTABLES) === null) return;
  const line = statements(host, RULES).find(({ text }) => /^flush\s+ruleset\b/.test(text));
  if (line === undefined) return;
  yield {
    code: 'HF-NFTABLES-FLUSH',
    seen: `nftables.service is enabled, and ${line.at} flushes all tables`,
  };
}

function* useless(
  host: Host,
  masquerade: readonly DesiredMasquerade[],
  families: readonly Family[],
): Iterable<DoctorObservation> {
  const interfaces = (host.sysctlNames('net/ipv4/conf') ?? []).filter((name) => !['all', 'default'].includes(name));
  for (const { out, from, family } of masquerade) {
    const what = `${from} is to be masqueraded out of ${out}`;
    if (!families.includes(family) && host.sysctl(FORWARDS[family])?.trim() === '0') {
      const key = FORWARDS[family].replaceAll('/', '.');
      yield { code: 'HF-MASQUERADE-IDLE', seen: `${what}, but nothing is forwarded: ${key} is 0` };
    }
    if (!interfaces.some((name) => fitsInterface(out, name))) {
      const meant = out.endsWith('+') ? ` (for every name that begins so, write ${out.slice(0, -1)}*)` : '';
      yield {
        code: 'HF-MASQUERADE-IDLE',
        seen: `${what}, but there is no such interface now${meant}`,
        severity: 'note',
      };
    }
  }
}

/** Router advertisements that this host ignores. */
function* deaf(host: Host): Iterable<DoctorObservation> {
  const names = (host.sysctlNames('net/ipv6/conf') ?? []).filter((name) => {
    if (['all', 'default', 'lo'].includes(name)) return false;
    return host.sysctl(`net/ipv6/conf/${name}/accept_ra`)?.trim() === '1';
  });
  if (names.length === 0) return;
  yield { code: 'HF-FORWARDING-RA', seen: `accept_ra is 1 on ${names.slice(0, 6).join(', ')}, and IPv6 is forwarded` };
}

/** Programs that switch forwarding on for networks of their own. */
const FORWARDERS = ['dockerd', 'libvirtd', 'virtnetworkd'];

/** A configured accept_ra that has no effect, because another program made the interface forward IPv6. */
function* inactive(host: Host, sysctl: readonly DesiredSysctl[]): Iterable<DoctorObservation> {
  for (const { path, key, want } of sysctl) {
    const [, name] = /^net\/ipv6\/conf\/([^/]+)\/accept_ra$/.exec(path) ?? [];
    if (name === undefined || !('value' in want) || want.value !== '1') continue;
    const forwards = `net/ipv6/conf/${name}/forwarding`;
    if (host.sysctl(forwards)?.trim() !== '1') continue;
    const [who] = FORWARDERS.filter((program) => host.processes(program, 'network').length > 0);
    const by = who === undefined ? '' : `, and ${who} runs, which switches forwarding on`;
    yield {
      code: 'HF-FORWARDING-RA',
      severity: 'warning',
      seen: `${key} is to be 1, which counts as 0 while ${name} forwards IPv6 (${sysctlKey(forwards)} is 1${by})`,
    };
  }
}

function* filters(
  host: Host,
  masquerade: readonly DesiredMasquerade[],
  families: ReadonlySet<Family>,
): Iterable<DoctorObservation> {
  const chains = (baseChains(host) ?? []).filter(({ table }) => table !== OURS);
  for (const chain of chains) {
    const { family, table, name, hook, policy } = chain;
    if (hook !== 'forward' || !passes(family, families)) continue;
    const who = `the chain ${name} of the table ${family} ${table}`;
    const own = masquerade.filter((one) => passes(family, new Set([one.family])));
    const seen = refused(who, policy, own, (wanted) => refusedByNft(host, chain, wanted));
    if (seen !== null) yield { code: 'HF-FORWARD-DROP', seen };
  }
  for (const chain of chains) {
    if (chain.type !== 'nat' || chain.hook !== 'postrouting') continue;
    for (const wanted of masquerade.filter(({ family }) => passes(chain.family, new Set([family])))) {
      for (const who of coveredBy(host, chain, wanted)) yield twice(wanted, who);
    }
  }
  for (const { family, names, save } of legacyTables(host)) {
    if (!families.has(family)) continue;
    yield { code: 'HF-IPTABLES-LEGACY', seen: `iptables-legacy has tables for ${family} in use: ${names.join(', ')}` };
    const lines = save();
    const own = masquerade.filter((one) => one.family === family);
    const policy = lines.some((line) => line.startsWith(':FORWARD DROP')) ? 'drop' : 'accept';
    const seen = refused(`FORWARD of iptables-legacy (${family})`, policy, own, (wanted) =>
      refusedByLegacy(lines, wanted),
    );
    if (seen !== null) yield { code: 'HF-FORWARD-DROP', seen };
    for (const wanted of own) {
      if (lines.some((line) => legacyCovers(line, wanted))) yield twice(wanted, 'POSTROUTING of iptables-legacy');
    }
  }
}

/** The effect of a forward chain on packets that are to pass, as a sentence; null if the chain lets them pass. */
function refused(
  who: string,
  policy: string,
  masquerade: readonly DesiredMasquerade[],
  by: (wanted: DesiredMasquerade | null) => ForwardRefusal | null,
): string | null {
  if (policy === 'drop') return `${who} drops what none of its rules accepts`;
  const any = by(null);
  if (any !== null) return `${who} ${any.does}s what no rule before accepts, by a rule of the chain ${any.chain}`;
  for (const wanted of masquerade) {
    const own = by(wanted);
    if (own === null) continue;
    return `${who} ${own.does}s packets from ${wanted.from} out of ${wanted.out}, by a rule of the chain ${own.chain}`;
  }
  return null;
}

function twice({ out, from }: DesiredMasquerade, who: string): DoctorObservation {
  return { code: 'HF-MASQUERADE-TWICE', seen: `${from} out of ${out} is masqueraded by ${who} as well` };
}

/** Whether a chain of this nft family sees packets of one of these families. */
function passes(family: string, families: ReadonlySet<Family>): boolean {
  if (family === 'inet') return families.size > 0;
  return families.has(family === 'ip6' ? 'ipv6' : 'ipv4') && (family === 'ip' || family === 'ip6');
}
