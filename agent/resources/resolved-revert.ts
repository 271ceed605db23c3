import { networkdLinks } from '../clients/networkd-links.ts';
import { type Host, notOfTheseFiles } from '../host/host.ts';
import { type OriginalLink, Originals, recordPath } from './originals.ts';
import { removeRecord, writeRecord } from './records.ts';
import { releaseLink, tellLink } from './resolvectl.ts';
import type { Outcome } from './resource.ts';

/** Milliseconds that systemd-networkd has to write down what it goes back to. */
const WRITTEN_WITHIN = 1000;

/**
 * Has the link go back to what systemd-networkd has for it from its files and leases. Where it read our drop-in at its
 * start that is still ours: it is told nothing more, and the failure says what is left to do.
 */
export async function revertLink(
  host: Host,
  { key, servers: ours }: OriginalLink,
): Promise<Pick<Outcome, 'result' | 'actual' | 'reason'>> {
  if (!host.live) {
    return { result: 'skipped', actual: null, reason: notOfTheseFiles('systemd-networkd') };
  }
  const seen = () => networkdLinks(host).find(({ name }) => name === key) ?? null;
  if (seen() === null) return { result: 'ok', actual: null, reason: 'systemd-networkd manages no such link any more' };
  releaseLink(host, key);
  const servers = ours?.join(' ');
  const deadline = Date.now() + WRITTEN_WITHIN;
  let actual = seen()?.servers.join(' ') ?? null;
  while (actual === servers && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    actual = seen()?.servers.join(' ') ?? null;
  }
  if (actual !== servers) return { result: 'changed', actual };
  const reason = `its name servers are ${actual} still: systemd-networkd read them at its start, and forgets them at the next ("systemctl restart systemd-networkd"; docs/clients.md says what that costs); then revert again`;
  return { result: 'failed', actual, reason };
}

/** After a change that does not stand: the link is told what it was told before, by this record of it, or nothing. */
export function putBackLink(host: Host, name: string, record: string | null): void {
  const file = recordPath('link', name);
  if (record === null) removeRecord(host, file);
  else writeRecord(host, file, record, { memory: true });
  // After a reboot in the middle it may not be there yet, and knows of nothing that it was told.
  if (!networkdLinks(host).some((link) => link.name === name)) return;
  const before = new Originals(host).find('link', name);
  if (before === null || before.told === 0) releaseLink(host, name);
  else tellLink(host, name, before);
}
