import { networkdLinks } from '../clients/networkd-links.ts';
import { HostError } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import type { OriginalLink } from './originals.ts';
import type { Outcome } from './resource.ts';

/** Milliseconds that systemd-networkd has to write down what it goes back to. */
const WRITTEN_WITHIN = 1000;

/**
 * Has the link go back to what systemd-networkd has for it from its files and leases. Where it read our drop-in at its
 * start that is still ours: it is told nothing more, and the failure says what is left to do.
 */
export async function revertLink(
  host: Host,
  { key, after }: OriginalLink,
): Promise<Pick<Outcome, 'result' | 'actual' | 'reason'>> {
  if (!host.live) {
    return { result: 'skipped', actual: null, reason: 'the running systemd-networkd is not that of these files' };
  }
  const seen = () => networkdLinks(host).find(({ name }) => name === key) ?? null;
  if (seen() === null) return { result: 'ok', actual: null, reason: 'systemd-networkd manages no such link any more' };
  const { status, stderr, error } = host.run('resolvectl', ['revert', '--', key]);
  if (status !== 0) throw new HostError('ERESOLVED', `resolvectl revert ${key}: ${error ?? stderr.trim()}`);
  const [servers = ''] = after.split(', ');
  const deadline = Date.now() + WRITTEN_WITHIN;
  let actual = seen()?.servers.join(' ') ?? null;
  while (actual === servers && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    actual = seen()?.servers.join(' ') ?? null;
  }
  if (actual !== servers) return { result: 'changed', actual };
  const reason = `its name servers are ${actual} still, since systemd-networkd read them at its start; "systemctl restart systemd-networkd" drops neither lease nor address, then revert again`;
  return { result: 'failed', actual, reason };
}
