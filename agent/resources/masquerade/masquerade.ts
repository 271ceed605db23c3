/** Keeps the masquerading of a gateway: an nftables table of our own, in the running kernel. */
import type { DesiredMasquerade } from '../../config/desired.ts';
import type { Finding, Outcome, Resource } from '../../hold/resource.ts';
import { TableWitness } from '../../hold/table-witness.ts';
import type { Host } from '../../host/host.ts';
import { isMasqueradeLeft } from './made.ts';

/** If nothing is to be masqueraded and no table of ours is left, we load, ask and start nothing. */
export class Masquerade implements Resource {
  readonly name = 'masquerade';
  private readonly host: Host;
  private readonly wanted: readonly DesiredMasquerade[];
  private readonly witness = new TableWitness();

  constructor(host: Host, wanted: readonly DesiredMasquerade[]) {
    this.host = host;
    this.wanted = wanted;
  }

  async inspect(): Promise<Finding[]> {
    if (this.wanted.length === 0 && !isMasqueradeLeft(this.host)) return [];
    const { inspectTable } = await import('./table.ts');
    return this.witness.named(() => inspectTable(this.host, this.wanted));
  }

  async apply(): Promise<Outcome> {
    return (await import('./table.ts')).applyTable(this.host, this.wanted);
  }

  async snapshot(): Promise<unknown> {
    return (await import('./snapshot.ts')).tableSnapshot(this.host);
  }

  watches(): string[] {
    return [];
  }

  follow(changed: () => void, deaf: (why: string) => void): () => void {
    if (!this.host.live || this.wanted.length === 0) return () => {};
    return this.witness.follow(changed, deaf);
  }
}
