/**
 * The fate of a packet that no rule of a filter's chain names. A last rule may refuse the packet even if the policy
 * accepts.
 */
import type { DesiredMasquerade } from '../config/desired.ts';
import type { Host } from '../host/host.ts';
import { type BaseChain, isAbout, isAboutLegacy, nftJson, part } from './packet-filters.ts';

/** A rule that matches the packet. A rule with a condition that the packet may not meet does not count. */
interface MeetingRule {
  readonly does: 'accept' | 'drop' | 'reject' | 'return' | 'jump' | 'goto';
  /** The chain of `jump` and `goto`. */
  readonly to: string | null;
}

/** Matching rules, by chain. */
type Chains = ReadonlyMap<string, readonly MeetingRule[]>;

export interface ForwardRefusal {
  readonly does: 'drop' | 'reject';
  /** The chain with the refusing rule. */
  readonly chain: string;
}

/** Deeper than any kernel lets chains call each other. */
const DEEPEST = 32;
const VERDICTS = ['accept', 'drop', 'reject', 'return', 'jump', 'goto'] as const;
const TARGETS: Readonly<Record<string, MeetingRule['does']>> = {
  ACCEPT: 'accept',
  DROP: 'drop',
  REJECT: 'reject',
  RETURN: 'return',
};

/**
 * The rule by which a base chain of nftables refuses packets that no earlier rule accepts; null if it refuses none.
 * `wanted`: the packets to be masqueraded, or null for any packet.
 */
export function refusedByNft(
  host: Host,
  { family, table, name }: BaseChain,
  wanted: DesiredMasquerade | null,
): ForwardRefusal | null {
  const chains = new Map<string, MeetingRule[]>();
  for (const object of nftJson(host, ['-t', 'list', 'table', family, table]) ?? []) {
    const { chain, expr } = part(object, 'rule');
    if (typeof chain !== 'string' || !Array.isArray(expr)) continue;
    const rule = nftRule(expr, wanted);
    if (rule !== null) chains.set(chain, [...(chains.get(chain) ?? []), rule]);
  }
  return refusal(chains, name);
}

/** The same for FORWARD of iptables-legacy, by the output of `iptables-save`. */
export function refusedByLegacy(lines: readonly string[], wanted: DesiredMasquerade | null): ForwardRefusal | null {
  const chains = new Map<string, MeetingRule[]>();
  let table = 'filter';
  for (const line of lines) {
    if (line.startsWith('*')) table = line.slice(1).trim();
    const [, chain, conditions = '', how, target = ''] = /^-A (\S+) (?:(.*?) )?-(j|g) (\S+)/.exec(line) ?? [];
    if (chain === undefined || table !== 'filter' || !isAboutLegacy(conditions, wanted)) continue;
    const jump = { does: how === 'g' ? 'goto' : 'jump', to: target } as const;
    const does = TARGETS[target];
    chains.set(chain, [...(chains.get(chain) ?? []), does === undefined ? jump : { does, to: null }]);
  }
  return refusal(chains, 'FORWARD');
}

function refusal(chains: Chains, name: string): ForwardRefusal | null {
  const end = walk(chains, name, 0);
  return end === 'accept' || end === 'through' ? null : end;
}

/**
 * `through`: the packet reaches the end of the chain. A target that is no chain, such as LOG, lets the packet through.
 */
function walk(chains: Chains, chain: string, depth: number): ForwardRefusal | 'accept' | 'through' {
  for (const { does, to } of depth > DEEPEST ? [] : (chains.get(chain) ?? [])) {
    if (does === 'accept') return does;
    if (does === 'return') return 'through';
    if (does === 'drop' || does === 'reject') return { does, chain };
    const end = walk(chains, to ?? '', depth + 1);
    if (end !== 'through' || does === 'goto') return end;
  }
  return 'through';
}

function nftRule(expr: readonly unknown[], wanted: DesiredMasquerade | null): MeetingRule | null {
  for (const one of expr) {
    if (one === null || typeof one !== 'object') return null;
    const does = VERDICTS.find((verdict) => verdict in one);
    if (does !== undefined) {
      const { target } = part(one, does);
      return { does, to: typeof target === 'string' ? target : null };
    }
    const { type, name } = part(one, 'xt');
    // A target of iptables-nft for which nft has no words.
    if (type === 'target')
      return typeof name === 'string' && name in TARGETS ? { does: TARGETS[name]!, to: null } : null;
    if (!isAbout(one, wanted)) return null;
  }
  return null;
}
