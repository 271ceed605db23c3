/**
 * Keeps `dns.split`: libc asks a forwarder on this host, and the forwarder asks some domains at servers of their own. The
 * modules of a forwarder are loaded only if the setting is configured, or was.
 */
import type { DesiredDns } from '../../config/desired.ts';
import { artifactOf, ORIGINALS } from '../../hold/originals/originals.ts';
import type { Finding, Outcome, Resource } from '../../hold/resource.ts';
import { nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { SPLIT_FILE, SPLIT_RESOURCE } from './split-view.ts';

export class Split implements Resource {
  readonly name = SPLIT_RESOURCE;
  private readonly host: Host;
  private readonly dns: DesiredDns | null;

  constructor(host: Host, dns: DesiredDns | null) {
    this.host = host;
    this.dns = dns;
  }

  async inspect(): Promise<Finding[]> {
    const { host, dns } = this;
    const kept = keptSplitFiles(host);
    if (dns?.split == null && kept.length === 0) return [];
    return (await import('./inspect-split.ts')).inspectSplit(host, dns, kept);
  }

  async apply(finding: Finding): Promise<Outcome> {
    return (await import('./apply-split.ts')).applySplit(this.host, this.dns, finding);
  }

  watches(): string[] {
    return this.dns?.split == null ? [] : keptSplitFiles(this.host);
  }
}

/** The files of ours that are there now, by the records for `revert`; empty for a user who may not see the records. */
function keptSplitFiles(host: Host): string[] {
  const records = nullIfRefused(() => host.list(ORIGINALS)) ?? [];
  return records
    .filter((name) => name.includes(SPLIT_FILE) && name.endsWith('.json') && !name.startsWith('.'))
    .map((name) => artifactOf(`${ORIGINALS}/${name}`).key)
    .filter((file) => host.lstat(file) !== null);
}
