/** Interfaces that two programs serve: neither program can be trusted to leave the name servers alone. */
import type { LeaseHolder, LeaseProgram } from './client.ts';

/** One sentence if another program also serves an interface of this program; null if there is no such interface. */
export function contested(holders: readonly LeaseHolder[], program: LeaseProgram): string | null {
  if (!holders.some((holder) => holder.program === program)) return null;
  const sentences = contests(holders)
    .filter(({ by }) => by.some((holder) => holder.program === program))
    .map(
      ({ where, by }) => `${where} is served by ${by.map(({ program, pid }) => `${program}[${pid}]`).join(' and ')}`,
    );
  if (sentences.length === 0) return null;
  return `${sentences.join(', ')}: each takes its own lease and sets its own name servers; leave the interface to one of them`;
}

/**
 * The interfaces that two programs serve. Two dhclients count as one program, because the same hooks hold both. A program that
 * has IPv6 only does not count: another one may take IPv4.
 */
export function contests(holders: readonly LeaseHolder[]): { where: string; by: LeaseHolder[] }[] {
  const named = new Set(holders.flatMap(({ interfaces }) => (interfaces === 'all' ? [] : interfaces)));
  return [...named].sort().flatMap((where) => {
    const by = holders.filter(
      ({ interfaces, only6 }) => interfaces === 'all' || (interfaces.includes(where) && !only6?.includes(where)),
    );
    return new Set(by.map(({ program }) => program)).size > 1 ? [{ where, by }] : [];
  });
}
