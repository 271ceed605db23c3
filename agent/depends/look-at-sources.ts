/** One look at all sources, and the verdict. A source that fails hinders no other source. */
import type { IpAddress } from '../address/accepted.ts';
import { visible } from '../config/config-error.ts';
import { errorMessage } from '../host/errors.ts';
import { type Dependence, type DependsAnswer, type DependsSource, TENSES, type Unseen } from './dependence.ts';
import { isLoopbackAddress } from './found-addresses.ts';

/**
 * Asks every source. Without addresses, this host's own forwarders (127.0.0.53) do not count: their configuration names
 * the servers. The answer is in the order of the tenses, and its texts hold no control characters. Throws only if
 * `signal` ends the look.
 */
export async function lookAtAll(
  sources: readonly DependsSource[],
  addresses: ReadonlySet<IpAddress> | null,
  signal: AbortSignal,
): Promise<DependsAnswer> {
  const found: Dependence[] = [];
  const unseen: Unseen[] = [];
  for (const source of sources) {
    signal.throwIfAborted();
    try {
      const answer = await source.look(addresses, signal);
      found.push(
        ...answer.found.filter(({ address }) => addresses !== null || !isLoopbackAddress(address)).map(printable),
      );
      unseen.push(...answer.unseen.map(printable));
    } catch (error) {
      signal.throwIfAborted();
      unseen.push(printable({ tense: source.tense, source: source.name, reason: errorMessage(error) }));
    }
  }
  return { found: distinct(inOrder(found)), unseen: distinct(inOrder(unseen)) };
}

/** A file of another program may hold anything, and its bytes are latin1 here. */
function printable<T extends Dependence | Unseen>(one: T): T {
  return Object.fromEntries(
    Object.entries(one).map(([key, text]) => [key, visible(asUtf8(text as string))]),
  ) as unknown as T;
}

function asUtf8(text: string): string {
  if (/[^\0-\xff]/.test(text)) return text;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(text, 'latin1'));
  } catch {
    return text;
  }
}

function inOrder<T extends Dependence | Unseen>(all: readonly T[]): T[] {
  return all.toSorted((a, b) => TENSES.indexOf(a.tense) - TENSES.indexOf(b.tense));
}

function distinct<T extends object>(all: readonly T[]): T[] {
  return [...new Map(all.map((one) => [JSON.stringify(Object.entries(one).sort()), one])).values()];
}

/** `free`: nothing depends on it, and everything could be seen. */
export type DependsVerdict = 'free' | 'depends' | 'unknown';

export function verdictOf({ found, unseen }: DependsAnswer): DependsVerdict {
  if (found.length > 0) return 'depends';
  return unseen.length > 0 ? 'unknown' : 'free';
}
