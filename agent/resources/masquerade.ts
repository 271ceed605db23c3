/** Keeps the masquerading of a gateway: an nftables table of our own, in the running kernel. */
import type { DesiredMasquerade } from '../config/desired.ts';
import type { Host } from '../host/host.ts';
import { isMasqueradeLeft } from './masquerade-record.ts';
import type { Finding, Outcome, Resource } from './resource.ts';

/** Where nothing is to be masqueraded, and nothing of ours is left, nothing is loaded, asked or started. */
export class Masquerade implements Resource {
  readonly name = 'masquerade';
  private readonly host: Host;
  private readonly wanted: readonly DesiredMasquerade[];

  constructor(host: Host, wanted: readonly DesiredMasquerade[]) {
    this.host = host;
    this.wanted = wanted;
  }

  async inspect(): Promise<Finding[]> {
    if (this.wanted.length === 0 && !isMasqueradeLeft(this.host)) return [];
    return (await import('./masquerade-table.ts')).inspectTable(this.host, this.wanted);
  }

  async apply(): Promise<Outcome> {
    return (await import('./masquerade-table.ts')).applyTable(this.host, this.wanted);
  }

  watches(): string[] {
    return [];
  }
}
