import { putBackRecord } from '../../hold/originals/disk-or-memory.ts';
import { type OriginalLink, Originals, recordPath } from '../../hold/originals/originals.ts';
import type { Outcome } from '../../hold/resource.ts';
import type { Leftover, Undoing } from '../../hold/undoing.ts';
import { type Host, notOfTheseFiles } from '../../host/host.ts';
import { networkdFileLeftover } from './kept-files-back.ts';
import { networkdLinks } from './managed-links.ts';
import { releaseLink, tellLink } from './resolvectl.ts';
import { linksToldTime, releaseTime } from './time-servers.ts';

export const RESOLVED_UNDOING: Undoing = { file: networkdFileLeftover, link: linkLeftover, putBackLink };

export const NETWORKD_UNDOING: Undoing = { file: networkdFileLeftover, others: toldTimeLeft };

/** Milliseconds for systemd-networkd to write its state file. */
const WRITTEN_WITHIN = 1000;

function linkLeftover(host: Host, original: OriginalLink): Leftover {
  const { key } = original;
  const place = { resource: 'revert', key, moment: 'now' } as const;
  const putBack = async () => [{ ...place, ...(await revertLink(host, original)) }];
  return { key, moment: 'now', turn: 'files, values and links', original, putBack };
}

/**
 * Returns the link to systemd-networkd's own values from files and leases. If systemd-networkd read our drop-in at its
 * start, our values remain, and the failure says which step is left.
 */
async function revertLink(
  host: Host,
  { key, servers: ours }: OriginalLink,
): Promise<Pick<Outcome, 'result' | 'actual' | 'reason'>> {
  if (!host.live) {
    return { result: 'skipped', actual: null, reason: notOfTheseFiles('systemd-networkd') };
  }
  const seen = () => networkdLinks(host).find(({ name }) => name === key) ?? null;
  if (seen() === null) return { result: 'ok', actual: null, reason: 'systemd-networkd no longer manages this link' };
  releaseLink(host, key);
  const servers = ours?.join(' ');
  const deadline = Date.now() + WRITTEN_WITHIN;
  let actual = seen()?.servers.join(' ') ?? null;
  while (actual === servers && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    actual = seen()?.servers.join(' ') ?? null;
  }
  if (actual !== servers) return { result: 'changed', actual };
  const reason = `its name servers are still ${actual}: systemd-networkd read them at its start, and forgets them at the next start ("systemctl restart systemd-networkd"; docs/clients.md says what that costs); then revert again`;
  return { result: 'failed', actual, reason };
}

/** The time servers of links. Only the running systemd-networkd has them. */
function toldTimeLeft(host: Host): Leftover[] {
  return linksToldTime(host).map((key): Leftover => {
    const putBack = async (): Promise<Outcome[]> => {
      releaseTime(host, key);
      return [{ resource: 'revert', key: `time servers of ${key}`, moment: 'now', result: 'changed', actual: null }];
    };
    return { key, moment: 'now', turn: 'files, values and links', original: null, putBack };
  });
}

function putBackLink(host: Host, name: string, record: string | null): void {
  putBackRecord(host, recordPath('link', name), record);
  // After a reboot in the middle the link may be missing, and has no values to put back.
  if (!networkdLinks(host).some((link) => link.name === name)) return;
  const before = new Originals(host).find('link', name);
  if (before === null || before.told === 0) releaseLink(host, name);
  else tellLink(host, name, before);
}
