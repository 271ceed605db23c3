/** Keeps the ledger's nftables tables in the running kernel, which count who asks which name server. */
import type { DesiredLedger } from '../../config/desired.ts';
import { isLedgerLeft } from '../../depends/ledger/record.ts';
import type { Finding, Outcome, Resource } from '../../hold/resource.ts';
import { TableWitness } from '../../hold/table-witness.ts';
import type { Host } from '../../host/host.ts';
import { wantedTables } from './wanted.ts';

export interface LedgerOptions {
  /** Seconds of the longest lease that this host holds; null if unknown. */
  readonly longestLease?: () => Promise<number | null>;
}

/** Milliseconds between looks at the leases: a server that changes its time is rare. */
const LEASES_EVERY = 3_600_000;
/** Milliseconds for which tables that were right count as right, while the kernel tells us of every change. */
const TRUSTED = 600_000;

/** If nothing is to be counted and no table of ours is left, we load, ask and start nothing. */
export class LedgerResource implements Resource {
  readonly name = 'ledger';
  /** Without root the kernel takes no table. */
  readonly observes = process.geteuid?.() === 0;
  private readonly host: Host;
  private readonly wanted: DesiredLedger;
  private readonly options: LedgerOptions;
  private readonly witness = new TableWitness();
  private trusted: { readonly findings: Finding[]; readonly wanted: string; readonly until: number } | null = null;
  private lease: { readonly seconds: Promise<number | null>; readonly at: number } | null = null;

  constructor(host: Host, wanted: DesiredLedger, options: LedgerOptions) {
    this.host = host;
    this.wanted = wanted;
    this.options = options;
  }

  async inspect(): Promise<Finding[]> {
    const wanted = wantedTables(this.wanted);
    if (wanted.size === 0 && !isLedgerLeft(this.host)) return [];
    const key = JSON.stringify([...wanted]);
    if (this.witness.listens && this.trusted?.wanted === key && performance.now() < this.trusted.until)
      return this.trusted.findings;
    const { inspectTables } = await import('./tables.ts');
    const findings = await this.witness.named(async () => inspectTables(this.host, wanted, await this.longestLease()));
    const isRight = this.witness.listens && findings.every(({ state }) => state === 'ok');
    this.trusted = isRight ? { findings, wanted: key, until: performance.now() + TRUSTED } : null;
    return findings;
  }

  async apply({ key }: Finding): Promise<Outcome> {
    this.trusted = null;
    const wanted = wantedTables(this.wanted);
    return (await import('./tables.ts')).applyLedgerTable(this.host, key, wanted, await this.longestLease());
  }

  watches(): string[] {
    return [];
  }

  follow(changed: () => void, deaf: (why: string) => void): () => void {
    const isCounting = () => wantedTables(this.wanted).size > 0;
    if (!this.host.live || !isCounting()) return () => {};
    const distrust = () => {
      this.trusted = null;
      changed();
    };
    return this.witness.follow(distrust, deaf);
  }

  /** Seconds; null if unknown. */
  private async longestLease(): Promise<number | null> {
    const { longestLease } = this.options;
    if (longestLease === undefined) return null;
    if (this.lease === null || performance.now() - this.lease.at >= LEASES_EVERY)
      this.lease = { seconds: longestLease(), at: performance.now() };
    return this.lease.seconds;
  }
}
