/** Keeps the ledger's nftables tables in the running kernel, which count who asks which name server. */
import { setImmediate } from 'node:timers/promises';
import type { DesiredLedger } from '../../config/desired.ts';
import { isLedgerLeft } from '../../depends/ledger/record.ts';
import type { Finding, Outcome, Resource } from '../../hold/resource.ts';
import { errorMessage } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import type { TableFollower } from '../../host/netlink/table-follower.ts';
import { wantedTables } from './wanted.ts';

export interface LedgerOptions {
  /** True in the daemon, which counts every server although the configuration does not say so. */
  readonly lasting: boolean;
  /** Seconds of the longest lease that this host holds; null if unknown. */
  readonly longestLease?: () => Promise<number | null>;
}

/** If nothing is to be counted and no table of ours is left, we load, ask and start nothing. */
export class LedgerResource implements Resource {
  readonly name = 'ledger';
  private readonly host: Host;
  private readonly wanted: DesiredLedger;
  private readonly options: LedgerOptions;
  private follower: TableFollower | null = null;

  constructor(host: Host, wanted: DesiredLedger, options: LedgerOptions) {
    this.host = host;
    this.wanted = wanted;
    this.options = options;
  }

  async inspect(): Promise<Finding[]> {
    const wanted = wantedTables(this.host, this.wanted, this.options);
    if (wanted.size === 0 && !isLedgerLeft(this.host)) return [];
    const lease = (await this.options.longestLease?.()) ?? null;
    const findings = await (await import('./tables.ts')).inspectTables(this.host, wanted, lease);
    // The message about the change that we see here may still wait in the socket.
    if (this.follower !== null) await setImmediate();
    const by = this.follower?.takeNames() ?? null;
    return findings.map((finding) => (finding.state === 'drifted' ? { ...finding, by } : finding));
  }

  async apply({ key }: Finding): Promise<Outcome> {
    const wanted = wantedTables(this.host, this.wanted, this.options);
    const lease = (await this.options.longestLease?.()) ?? null;
    return (await import('./tables.ts')).applyLedgerTable(this.host, key, wanted, lease);
  }

  watches(): string[] {
    return [];
  }

  follow(changed: () => void, deaf: (why: string) => void): () => void {
    const isCounting = () => wantedTables(this.host, this.wanted, this.options).size > 0;
    if (!this.host.live || !isCounting()) return () => {};
    let closed = false;
    void (async () => {
      const { TableFollower } = await import('../../host/netlink/table-follower.ts');
      if (!closed) this.follower = new TableFollower(changed);
    })().catch((error) => deaf(errorMessage(error)));
    return () => {
      closed = true;
      this.follower?.close();
      this.follower = null;
    };
  }
}
