/** Decides whether changes on this host need a proof, and of which resources. */
import { isIP } from 'node:net';
import { hasRecord } from '../hold/originals/disk-or-memory.ts';
import { DNS_CHANGE_JOURNAL, PROVED } from '../hold/proof/dns-change-journal.ts';
import type { Proof } from '../hold/proof/proof.ts';
import type { ProvedDns } from '../hold/proof/proved.ts';
import type { Resource } from '../hold/resource.ts';
import { errorCode } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { OF_DNS } from './resource-names.ts';

/**
 * null if DNS needs no proof and never did, so that its code is not loaded. Files below another root are not in use, so
 * they need no proof. `endpoint` is where the host reports to, or null.
 */
export async function makeGuard(
  host: Host,
  dns: ProvedDns | null,
  resources: readonly Resource[],
  endpoint: string | null,
): Promise<Proof | null> {
  if (!host.live) return null;
  const held = resources.filter(({ name }) => OF_DNS.includes(name));
  if (held.length === 0 || (dns?.verify == null && !isLeft(host))) return null;
  const { Proof } = await import('../hold/proof/proof.ts');
  return new Proof({
    host,
    dns,
    resources: held,
    collector: endpoint === null ? null : hostName(endpoint),
    wayBack: async () => (await import('./leftovers.ts')).WAY_BACK,
  });
}

/**
 * Whether an earlier configuration left a journal. A user who may not see the journal cannot change anything either.
 */
function isLeft(host: Host): boolean {
  try {
    return host.lstat(PROVED) !== null || hasRecord(host, DNS_CHANGE_JOURNAL);
  } catch (error) {
    if (errorCode(error) === 'EACCES') return false;
    throw error;
  }
}

/** The collector's name; null for an address, which needs no name service. */
function hostName(endpoint: string): string | null {
  const { hostname } = new URL(endpoint);
  return isIP(hostname.replace(/^\[|\]$/g, '')) === 0 ? hostname : null;
}
