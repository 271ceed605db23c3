/**
 * Settings that an earlier configuration gave to systemd-networkd, and that the present configuration no longer has.
 * The files for its next start are removed at once, because nothing reads them before. Values that it holds at run time
 * stay until it ends, just as a value stays in resolv.conf, and the finding says so.
 */
import { Originals } from '../../hold/originals/originals.ts';
import type { Finding } from '../../hold/resource.ts';
import { nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { DNS_DROP_INS, type DropInSet, dropInsInUse, keptDropIn, keptNames } from './drop-in.ts';
import { compareNetworkdFile } from './kept-files.ts';
import { networkdLinks } from './managed-links.ts';
import { runningNetworkd } from './which-networkd.ts';

export async function leftWithNetworkd(host: Host): Promise<Finding[]> {
  return [...(await keptFilesLeft(host, DNS_DROP_INS)), ...heldLinks(host, dropInsInUse(host))];
}

/** The files that the present configuration no longer needs. */
export async function keptFilesLeft(host: Host, set: DropInSet): Promise<Finding[]> {
  const compare = (key: string, wanted: string | null) => compareNetworkdFile(host, key, wanted, () => []);
  const kept = keptNames(host, set).map((name) => compare(keptDropIn(name, set), null));
  // At the next start, the service's drop-in removes the files that the running systemd-networkd has read.
  const service = compare(set.service, dropInsInUse(host, set).length === 0 ? null : set.serviceText);
  return (await Promise.all([...kept, service])).filter((finding) => finding !== null);
}

/** Links that still have the values that we gave them, or that systemd-networkd read at its start. */
function heldLinks(host: Host, inUse: readonly string[]): Finding[] {
  if (host.processes('systemd-network', 'network').length === 0) return [];
  const running = runningNetworkd(host);
  const originals = new Originals(host);
  return networkdLinks(host).flatMap(({ name, networkFile, servers, domains }) => {
    // Without root, the values that we gave the link are not visible.
    const told = running !== undefined && nullIfRefused(() => originals.find('link', name))?.by === running;
    if (!told && !inUse.some((file) => file.includes(`/${networkFile}.d/`))) return [];
    const held = [...servers, ...domains].join(' ');
    return [
      {
        resource: 'resolved',
        key: name,
        kind: 'link',
        moment: 'now',
        state: 'skipped',
        wanted: null,
        actual: held,
        reason: `systemd-networkd holds ${held} of an earlier configuration until it starts again; to let go now: agent revert --only resolved`,
        settings: async () => [],
      },
    ];
  });
}
