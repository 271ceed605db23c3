/** Keeps the masquerading of a gateway: an nftables table of our own, in the running kernel. */
import { setImmediate } from 'node:timers/promises';
import type { DesiredMasquerade } from '../../config/desired.ts';
import { LateFollower } from '../../hold/late-follower.ts';
import type { Finding, Outcome, Resource } from '../../hold/resource.ts';
import type { Host } from '../../host/host.ts';
import type { TableFollower } from '../../host/netlink/nftables/table-follower.ts';
import { isMasqueradeLeft } from './made.ts';

/** If nothing is to be masqueraded and no table of ours is left, we load, ask and start nothing. */
export class Masquerade implements Resource {
  readonly name = 'masquerade';
  private readonly host: Host;
  private readonly wanted: readonly DesiredMasquerade[];
  private readonly follower = new LateFollower<TableFollower>();

  constructor(host: Host, wanted: readonly DesiredMasquerade[]) {
    this.host = host;
    this.wanted = wanted;
  }

  async inspect(): Promise<Finding[]> {
    if (this.wanted.length === 0 && !isMasqueradeLeft(this.host)) return [];
    const findings = await (await import('./table.ts')).inspectTable(this.host, this.wanted);
    // The message about the change that we see here may still wait in the socket.
    if (this.follower.current !== null) await setImmediate();
    const by = this.follower.current?.takeNames() ?? null;
    return findings.map((finding) => (finding.state === 'drifted' ? { ...finding, by } : finding));
  }

  async apply(): Promise<Outcome> {
    return (await import('./table.ts')).applyTable(this.host, this.wanted);
  }

  watches(): string[] {
    return [];
  }

  follow(changed: () => void, deaf: (why: string) => void): () => void {
    if (!this.host.live || this.wanted.length === 0) return () => {};
    return this.follower.follow(async () => {
      const { TableFollower } = await import('../../host/netlink/nftables/table-follower.ts');
      return () => new TableFollower(changed);
    }, deaf);
  }
}
