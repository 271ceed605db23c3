/**
 * Keeps the file from which a dnsmasq on this host takes its clients' routes and name servers. Holdfast never restarts or signals
 * dnsmasq.
 */
import { type DesiredState, DNSMASQ_FILE } from '../../config/desired.ts';
import { applyFile } from '../../hold/files/apply-file.ts';
import type { Finding, Outcome, Resource } from '../../hold/resource.ts';
import type { Host } from '../../host/host.ts';
import { dnsmasqRefusal } from './dnsmasq-refusal.ts';

type Wanted = Pick<DesiredState, 'dnsmasq' | 'routes' | 'metadata' | 'dns'>;

export class Dnsmasq implements Resource {
  readonly name = 'dnsmasq';
  private readonly host: Host;
  private readonly wanted: Wanted;

  constructor(host: Host, wanted: Wanted) {
    this.host = host;
    this.wanted = wanted;
  }

  async inspect(): Promise<Finding[]> {
    if (this.wanted.dnsmasq === null && this.host.lstat(DNSMASQ_FILE) === null) return [];
    const finding = await (await import('./file.ts')).inspectDnsmasq(this.host, this.wanted);
    return finding === null ? [] : [finding];
  }

  async apply(finding: Finding): Promise<Outcome> {
    const problem = finding.wanted === null ? null : dnsmasqRefusal(this.host, finding.wanted);
    if (problem === null) return applyFile(this.host, finding);
    const { resource, key, moment, actual } = finding;
    return { resource, key, moment, actual, result: 'failed', reason: problem };
  }

  watches(): string[] {
    return this.wanted.dnsmasq === null ? [] : [this.wanted.dnsmasq.file];
  }
}
