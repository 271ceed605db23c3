/**
 * Settings that an earlier configuration gave to systemd-networkd, and that the present configuration no longer has.
 * The files for its next start are removed at once, because nothing reads them before. Values that it holds at run time
 * stay until it ends, just as a value stays in resolv.conf, and the finding says so.
 */
import {
  dropInsInUse,
  keptDropIn,
  keptNames,
  SERVICE_DROP_IN,
  SERVICE_DROP_IN_TEXT,
} from '../../clients/networkd/drop-in.ts';
import { networkdLinks } from '../../clients/networkd/links.ts';
import { Originals } from '../../hold/originals/originals.ts';
import type { Finding } from '../../hold/resource.ts';
import { unreadable } from '../../hold/unreadable.ts';
import { nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';

/** @param running the identity of the running systemd-networkd (resolved.ts); undefined if none runs. */
export function leftWithNetworkd(host: Host, running: string | undefined): Finding[] {
  const inUse = dropInsInUse(host);
  const kept = keptNames(host).map((name) => compare(host, keptDropIn(name), null));
  // At the next start, the service's drop-in removes the files that the running systemd-networkd has read.
  const service = compare(host, SERVICE_DROP_IN, inUse.length === 0 ? null : SERVICE_DROP_IN_TEXT);
  return [...kept, service, ...heldLinks(host, running, inUse)].filter((finding) => finding !== null);
}

/** null if the file is absent, as it should be. */
function compare(host: Host, key: string, wanted: string | null): Finding | null {
  const common = { resource: 'resolved', key, kind: 'file', moment: 'boot', settings: async () => [] } as const;
  try {
    const actual = host.readText(key);
    if (actual === null && wanted === null) return null;
    return { ...common, state: actual === wanted ? 'ok' : 'drifted', wanted, actual };
  } catch (error) {
    return unreadable(common, error, common.settings);
  }
}

/** Links that still have the values that we gave them, or that systemd-networkd read at its start. */
function heldLinks(host: Host, running: string | undefined, inUse: readonly string[]): Finding[] {
  if (running === undefined) return [];
  const originals = new Originals(host);
  return networkdLinks(host).flatMap(({ name, networkFile, servers, domains }) => {
    // Without root, the values that we gave the link are not visible.
    const told = nullIfRefused(() => originals.find('link', name))?.by === running;
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
