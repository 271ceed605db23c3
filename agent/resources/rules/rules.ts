import type { DesiredRule } from '../../config/desired.ts';
import { LateFollower } from '../../hold/late-follower.ts';
import type { Finding, Outcome, Resource } from '../../hold/resource.ts';
import type { Host } from '../../host/host.ts';
import type { RuleFollower } from './follow.ts';
import { hasRuleRecord } from './made.ts';

/**
 * Keeps policy rules in the kernel, by netlink and without a process. Our rules have Holdfast's own protocol number, as our routes
 * have. Rules of other programs are never touched.
 */
export class Rules implements Resource {
  readonly name = 'rules';
  readonly #host: Host;
  readonly #wanted: readonly DesiredRule[];
  readonly #follower = new LateFollower<RuleFollower>();

  constructor(host: Host, wanted: readonly DesiredRule[]) {
    this.#host = host;
    this.#wanted = wanted;
  }

  async inspect(): Promise<Finding[]> {
    if (this.#wanted.length === 0 && !hasRuleRecord(this.#host)) return [];
    const { inspectRules } = await import('./reconcile-rules.ts');
    const findings = await inspectRules(this.#host, this.#wanted);
    return findings.map((finding) => {
      if (finding.state !== 'drifted') return finding;
      return { ...finding, by: this.#follower.current?.whoTouched(finding.key) ?? null };
    });
  }

  async apply(finding: Finding): Promise<Outcome> {
    return (await this.applyMany([finding]))[0]!;
  }

  async applyMany(findings: readonly Finding[]): Promise<Outcome[]> {
    return (await import('./reconcile-rules.ts')).applyRules(this.#host, this.#wanted, findings);
  }

  async snapshot(): Promise<unknown> {
    return (await import('./snapshot.ts')).rulesSnapshot(this.#host);
  }

  watches(): string[] {
    return [];
  }

  follow(changed: () => void, deaf: (why: string) => void): () => void {
    if (!this.#host.live || this.#wanted.length === 0) return () => {};
    return this.#follower.follow(async () => {
      const { RuleFollower } = await import('./follow.ts');
      return () => new RuleFollower(this.#wanted, changed);
    }, deaf);
  }
}
