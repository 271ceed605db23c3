/**
 * Proves changes of DNS (`dns.verify`). The name servers are asked before DNS is touched, and a journal is written
 * first. If the host loses look-ups by the change, everything is put back.
 */
import type { DesiredVerify } from '../../config/desired.ts';
import { lookUp } from '../../dns/lookup.ts';
import type { DnsVerdict } from '../../dns/verify.ts';
import { errorCode, errorMessage, HostError } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { STATE_FOLDER } from '../../host/paths.ts';
import { type Guard, identity, inspectAll, isActionable, untouched } from '../converge.ts';
import type { ChangeJournal, WayBack } from '../journal/change-journal.ts';
import { notedResource } from '../journal/noted-resource.ts';
import type { Finding, Outcome, Resource } from '../resource.ts';
import { dnsChangeJournal, PROVED } from './dns-change-journal.ts';
import type { LookUp } from './lookups.ts';
import { count, ownAddresses, refused, sentence, withLeftOver } from './proof-words.ts';
import { isProved, type ProvedDns, provedText } from './proved.ts';
import { PutBackPause } from './put-back-pause.ts';
import type { SplitProof } from './split-proof.ts';

/** Milliseconds for which a refusal counts for all resources, so that the servers are asked only once. */
const REFUSAL_STANDS_FOR = 10_000;

/** An event about a proof. */
export interface ProofEvent {
  readonly kind: 'proved' | 'refused' | 'put-back';
  /** A sentence without its full stop. */
  readonly body: string;
  /** Milliseconds until a guard that lives on tries a change again that was put back; earlier if addresses change. */
  readonly again?: number;
}

export interface ProofOptions {
  readonly host: Host;
  /** null or without `verify`: changes need no proof, but an unfinished change is put back. */
  readonly dns: ProvedDns | null;
  /** The resources that hold DNS, which are changed or put back together. */
  readonly resources: readonly Resource[];
  /** The collector's name, which the host must still find; null if there is none, or if it is an address. */
  readonly collector: string | null;
  /** How a change is put back; called only if one is. */
  readonly wayBack: () => Promise<WayBack>;
}

export class Proof implements Guard {
  /** Gets the events of changes. Must not throw. */
  onEvent: (event: ProofEvent) => void = () => {};
  /** Milliseconds for the name servers' answers, and again for the look-up; null for the time in `dns.verify`. */
  within: number | null = null;
  private readonly options: ProofOptions;
  private readonly journal: ChangeJournal;
  /** The last refusal, and whether it still counts. */
  private refusal: { readonly reason: string; readonly stands: () => boolean } | null = null;
  private readonly pause = new PutBackPause();

  constructor(options: ProofOptions) {
    this.options = options;
    this.journal = dnsChangeJournal(options.host, options.wayBack);
  }

  unfinished(): boolean {
    return this.journal.pending();
  }

  /**
   * The work of `apply` beside the findings, as a sentence; null if there is none, or if it is not visible without
   * root.
   */
  announce(findings: readonly Finding[]): string | null {
    const { dns, resources } = this.options;
    try {
      if (this.unfinished())
        return 'An earlier change of DNS ended before it was proved. apply puts that change back first.';
      const changes = findings.some((finding) => {
        return isActionable(finding) && resources.some(({ name }) => name === finding.resource);
      });
      if (!changes || dns?.verify == null || this.proved()) return null;
    } catch (error) {
      if (errorCode(error) === 'EACCES') return null;
      throw error;
    }
    return `Before anything of DNS is changed, ${dns.nameservers?.join(' and ')} must answer for ${dns.verify.name}${this.provesSplit(dns) ? ', and a server of each domain of dns.split for it' : ''}.`;
  }

  /** Whether the last proved settings are the present configured settings. */
  proved(): boolean {
    const { host, dns } = this.options;
    return dns !== null && isProved(host.readText(PROVED), dns);
  }

  /** A proof covers all changes of DNS or none: with a part of them, the host's own look-up would prove nothing. */
  joins({ resource }: Finding): boolean {
    const { dns, resources } = this.options;
    return dns?.verify != null && resources.some(({ name }) => name === resource) && !this.proved();
  }

  async around(
    given: readonly Resource[],
    change: (resources: readonly Resource[]) => Promise<Outcome[]>,
  ): Promise<Outcome[]> {
    const { host, resources, dns } = this.options;
    // Changes that do not concern DNS come first, so that a refusal does not delay them.
    const others = await change(given.filter((resource) => !resources.includes(resource)));
    const held = given.filter((resource) => resources.includes(resource));
    const unfinished = await this.finish();
    if (unfinished !== null) return [...refused(await inspectAll(held), unfinished), ...others];
    if (held.length === 0) return others;
    if (dns?.verify == null) host.remove(PROVED); // the new settings are not proved, so the old proof no longer counts
    const needsProof = dns?.verify != null && !this.proved();
    return [...(needsProof ? await this.changeProved(dns, change) : await change(held)), ...others];
  }

  /** Puts back a change that was killed in the middle. Returns why that failed, or null. */
  private async finish(): Promise<string | null> {
    if (!this.journal.pending()) return null;
    const what = 'an earlier change of DNS ended before it was proved';
    try {
      const body = withLeftOver(`${what}, and was put back`, await this.journal.putBack());
      this.tell('put-back', body);
      return this.journal.pending() ? body : null;
    } catch (error) {
      return `${what}, and cannot be put back: ${errorMessage(error)}`;
    }
  }

  private async changeProved(
    dns: ProvedDns,
    change: (resources: readonly Resource[]) => Promise<Outcome[]>,
  ): Promise<Outcome[]> {
    const findings = await inspectAll(this.options.resources);
    if (!findings.some(isActionable)) return findings.map(untouched);
    if (this.refusal?.stands() === true) return refused(findings, this.refusal.reason);

    const { verify, options } = dns as ProvedDns & { verify: DesiredVerify };
    const { misleading, NOT_WAITED_FOR } = await import('../../dns/verify.ts');
    const stop = new AbortController();
    const looking = this.lookUps(verify, stop.signal);
    const splitProof = await this.splitProof(dns);
    const [verdicts, splitObjection] = await Promise.all([this.ask(dns), splitProof?.objection() ?? null]);
    const complaints = verdicts.filter(({ complaint }) => complaint !== null).map(sentence);
    const answering = verdicts.length - complaints.length;
    const liar = misleading(verdicts, options ?? []);
    const why =
      answering < verify.quorum
        ? verdicts.some(({ complaint }) => complaint === NOT_WAITED_FOR)
          ? `${verify.quorum} of ${verdicts.length} name servers must answer for ${verify.name}, and fewer can`
          : `${count(answering, verdicts.length)} for ${verify.name}${answering > 0 ? `, and ${verify.quorum} must` : ''}`
        : liar !== null
          ? `this host ${options?.includes('rotate') ? 'asks each name server in turn (options rotate)' : `asks ${liar.server} before the others`}, and would take its wrong answer for ${verify.name}`
          : null;
    const objection = why === null ? splitObjection : `${why}: ${complaints.join('; ')}`;
    if (objection !== null) {
      stop.abort();
      return this.refuse(findings, `DNS is not changed, because ${objection}`);
    }

    const before = await looking;
    const outcomes = await change(this.options.resources.map((resource) => notedResource(resource, this.journal)));
    const after = await this.lookUps(verify);
    const lost = (await import('./lookups.ts')).lostNames(before, after, verify);
    const pending = (await splitProof?.pending(this.options.resources)) ?? null;
    if (splitProof !== null && pending === null) lost.push(...(await splitProof.lost()));
    if (lost.length > 0) {
      const reason = withLeftOver(
        `put back, because with the new settings this host ${lost.join(', and ')}`,
        await this.journal.putBack(),
      );
      const again = this.pause.begin(performance.now(), ownAddresses());
      this.tell('put-back', reason, again);
      this.refusal = { reason, stands: () => !this.pause.isOver(performance.now(), ownAddresses()) };
      return refused(await inspectAll(this.options.resources), reason);
    }
    const tried = new Set(findings.filter(isActionable).map(identity));
    const failed = outcomes.some((outcome) => outcome.result === 'failed' && tried.has(identity(outcome)));
    if (!failed && pending === null) this.keep(dns, answering);
    this.journal.close();
    const unseen = after.flatMap(({ name, addresses }) =>
      addresses?.length === 0 ? [`this host itself does not find ${name}, and did not before`] : [],
    );
    this.tell(
      'proved',
      [
        `DNS is proved: ${count(answering, verdicts.length)} for ${verify.name}`,
        ...complaints,
        ...(splitProof?.complaints ?? []),
        ...(pending === null ? [] : [pending]),
        ...unseen,
      ].join('; '),
    );
    return outcomes;
  }

  private async ask({ nameservers, options, verify }: ProvedDns): Promise<DnsVerdict[]> {
    const { verifyServers } = await import('../../dns/verify.ts');
    const timeout = Math.min(verify!.timeout, this.within ?? verify!.timeout);
    return verifyServers(nameservers ?? [], { ...verify!, timeout }, { options: options ?? [] });
  }

  private provesSplit({ split }: Pick<ProvedDns, 'split'>): boolean {
    return split !== null && this.options.resources.some(({ name }) => name === 'split');
  }

  /** null if no split is configured, or none is held by this run. */
  private async splitProof({ split, verify }: ProvedDns): Promise<SplitProof | null> {
    if (split === null || !this.provesSplit({ split })) return null;
    const { SplitProof } = await import('./split-proof.ts');
    return new SplitProof(this.options.host, split, Math.min(verify!.timeout, this.within ?? verify!.timeout));
  }

  /** This host's look-ups: first of the name that proves DNS, then of the collector's name. */
  private async lookUps({ name }: DesiredVerify, signal?: AbortSignal): Promise<LookUp[]> {
    const { within } = this;
    const { host, collector } = this.options;
    const how = { ...(signal === undefined ? {} : { signal }), ...(within === null ? {} : { timeLimit: within }) };
    // The final dot excludes /etc/hosts and search domains.
    const names = [{ name, asked: `${name}.` }, ...(collector === null ? [] : [{ name: collector, asked: collector }])];
    return Promise.all(names.map(async (one) => ({ name: one.name, addresses: await lookUp(host, one.asked, how) })));
  }

  private refuse(findings: readonly Finding[], reason: string): Outcome[] {
    // The same event is emitted once, even if the daemon tries again and again.
    if (this.refusal?.reason !== reason) this.tell('refused', reason);
    const until = performance.now() + REFUSAL_STANDS_FOR;
    this.refusal = { reason, stands: () => performance.now() < until };
    return refused(findings, reason);
  }

  private keep(dns: ProvedDns, answering: number): void {
    const { host } = this.options;
    try {
      host.makeFolder(STATE_FOLDER, 0o755);
      host.replaceOwn(PROVED, provedText(dns, answering), 0o600);
    } catch (error) {
      if (!(error instanceof HostError)) throw error; // the change stays, and is proved again the next time
    }
  }

  private tell(kind: ProofEvent['kind'], body: string, again?: number): void {
    this.onEvent({ kind, body, ...(again === undefined ? {} : { again }) });
  }
}
