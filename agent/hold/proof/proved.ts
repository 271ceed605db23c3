/** The record of proved DNS settings (dns-change-journal.ts, PROVED). */
import type { DesiredDns } from '../../config/desired.ts';

/** The settings that a look-up depends on. A sortlist only orders the addresses that were found. */
export type ProvedDns = Pick<DesiredDns, 'nameservers' | 'search' | 'domain' | 'options' | 'split' | 'verify'>;

interface Proved extends ProvedDns {
  /** How many name servers answered. Absent in a record of an earlier version. */
  readonly answering?: number;
}

export function provedText(
  { nameservers, search, domain, options, split, verify }: ProvedDns,
  answering: number,
): string {
  return `${JSON.stringify({ nameservers, search, domain, options, split, verify, answering })}\n`;
}

/** null if the record is unreadable. */
function parse(text: string): Proved | null {
  try {
    const found = JSON.parse(text) as Proved | null;
    return found?.verify == null ? null : found;
  } catch {
    return null;
  }
}

/**
 * Whether the record `text` (null if missing) is a proof of these settings. The time to wait for an answer does not
 * matter, and expectations that are less strict than in the record need no new proof.
 */
export function isProved(
  text: string | null,
  { nameservers, search, domain, options, split, verify }: ProvedDns,
): boolean {
  const proved = text === null ? null : parse(text);
  if (proved?.verify == null || verify === null) return false;
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
  const { name, expect, quorum } = proved.verify;
  const widened = verify.expect === null || (expect?.every((network) => verify.expect?.includes(network)) ?? false);
  return (
    same(proved.nameservers, nameservers) &&
    same(proved.search, search) &&
    same(proved.domain, domain) &&
    same(proved.options, options) &&
    // A record of an earlier version has no split.
    same(proved.split ?? null, split) &&
    name === verify.name &&
    widened &&
    (proved.answering ?? quorum) >= verify.quorum
  );
}
