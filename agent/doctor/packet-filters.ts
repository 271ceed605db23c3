/**
 * The packet filters of other programs: base chains as nft(8) lists them, including those of iptables-nft, and the
 * tables of iptables-legacy.
 */
import ipaddr from 'ipaddr.js';
import type { Family } from '../address/address.ts';
import type { DesiredMasquerade } from '../config/desired.ts';
import { fitsInterface } from '../config/notation/names.ts';
import type { Host } from '../host/host.ts';

/** A chain that the kernel runs by itself. */
export interface BaseChain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly type: string;
  readonly hook: string;
  readonly policy: string;
}

type Json = { readonly [key: string]: unknown };

/** null if nft cannot list them. */
export function baseChains(host: Host): BaseChain[] | null {
  const objects = nftJson(host, ['list', 'chains']);
  if (objects === null) return null;
  return objects.flatMap((object) => {
    const { family, table, name, type, hook, policy } = part(object, 'chain');
    return typeof hook === 'string' ? [{ family, table, name, type, hook, policy } as BaseChain] : [];
  });
}

/** The masquerading rules of the chain that cover all packets of `wanted`, one sentence each. */
export function coveredBy(host: Host, { family, table, name }: BaseChain, wanted: DesiredMasquerade): string[] {
  return (nftJson(host, ['list', 'chain', family, table, name]) ?? []).flatMap((object) => {
    const { expr } = part(object, 'rule');
    if (!Array.isArray(expr) || !expr.some(masquerades) || !expr.every((one) => takes(one, wanted))) return [];
    return [`the chain ${name} of the table ${family} ${table}`];
  });
}

/**
 * Tables of iptables-legacy that are in use, as `iptables-save` prints them. The look never makes the kernel load a
 * table.
 */
export function legacyTables(host: Host): { family: Family; names: string[]; save(): string[] }[] {
  return [['ipv4', 'ip', 'iptables'] as const, ['ipv6', 'ip6', 'ip6tables'] as const].flatMap(
    ([family, ip, program]) => {
      const names = (host.readText(`/proc/net/${ip}_tables_names`) ?? '').split('\n').filter((name) => name !== '');
      const save = () => host.run(`${program}-legacy-save`, []).stdout.split('\n');
      return names.length === 0 ? [] : [{ family, names, save }];
    },
  );
}

/** `-A POSTROUTING -s 10.99.0.0/24 -o eth0 -j MASQUERADE`, without any condition that could leave some packets out. */
export function legacyCovers(line: string, wanted: DesiredMasquerade): boolean {
  const [, chain, rest = ''] = /^-A (\S+) (?:(.*) )?-j MASQUERADE$/.exec(line) ?? [];
  return chain === 'POSTROUTING' && isAboutLegacy(rest, wanted);
}

/** Whether each packet of `wanted` meets these conditions of iptables; `wanted` is null for any packet. */
export function isAboutLegacy(conditions: string, wanted: DesiredMasquerade | null): boolean {
  const words = conditions
    .replaceAll(/-m comment --comment (?:"[^"]*"|\S+)/g, '')
    .split(' ')
    .filter((word) => word !== '');
  if (wanted === null) return words.length === 0;
  for (let i = 0; i < words.length; i += 2) {
    const value = words[i + 1] ?? '';
    // iptables writes + for the rest of a name.
    if (
      words[i] === '-o'
        ? !fitsInterface(value.replace(/\+$/, '*'), wanted.out)
        : words[i] !== '-s' || !holds(value, wanted.from)
    )
      return false;
  }
  return true;
}

export function nftJson(host: Host, args: readonly string[]): Json[] | null {
  const { status, stdout } = host.run('nft', ['-j', ...args]);
  if (status !== 0) return null;
  try {
    const { nftables } = JSON.parse(stdout) as { nftables: unknown };
    return Array.isArray(nftables) ? nftables.filter((one) => one !== null && typeof one === 'object') : null;
  } catch {
    return null;
  }
}

export function part(object: unknown, key: string): Json {
  const found = (object as Json)?.[key];
  return found !== null && typeof found === 'object' ? (found as Json) : {};
}

/** In nft's words for its own rules, and for those of iptables-nft. */
function masquerades(expression: unknown): boolean {
  if (expression === null || typeof expression !== 'object') return false;
  return 'masquerade' in expression || part(expression, 'xt').name === 'MASQUERADE';
}

function takes(expression: unknown, wanted: DesiredMasquerade): boolean {
  return masquerades(expression) || isAbout(expression, wanted);
}

/** Parts that nft lists in a rule and that every packet meets. */
const NO_CONDITIONS = ['counter', 'log', 'mangle', 'notrack'] as const;

/** Whether each packet of `wanted` meets this part of an nft rule; `wanted` is null for any packet. */
export function isAbout(expression: unknown, wanted: DesiredMasquerade | null): boolean {
  if (expression === null || typeof expression !== 'object') return false;
  if (NO_CONDITIONS.some((word) => word in expression) || part(expression, 'xt').name === 'comment') return true;
  const { op, left, right } = part(expression, 'match');
  if (op !== '==' || wanted === null) return false;
  const { out, from } = wanted;
  if (part(left, 'meta').key === 'oifname') return typeof right === 'string' && fitsInterface(right, out);
  if (part(left, 'payload').field !== 'saddr') return false;
  const { addr, len } = part(right, 'prefix');
  return typeof addr === 'string' && holds(`${addr}/${len}`, from);
}

/** Whether the inner network lies in the outer network. */
function holds(outer: string, inner: string): boolean {
  try {
    const [network, length] = ipaddr.parseCIDR(outer);
    const [own, ownLength] = ipaddr.parseCIDR(inner);
    return network.kind() === own.kind() && ownLength >= length && own.match(network, length);
  } catch {
    return false;
  }
}
