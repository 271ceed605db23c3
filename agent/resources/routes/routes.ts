import { LateFollower } from '../../hold/late-follower.ts';
import type { Finding, Outcome, Resource } from '../../hold/resource.ts';
import type { Host } from '../../host/host.ts';
import { keyText, type RouteKey } from '../../host/netlink/routes/route-key.ts';
import type { RouteFollower } from './follow.ts';
import { hasRouteRecord } from './made.ts';
import type { KeptRoutes, RoutesWanted } from './reconcile.ts';

/**
 * Keeps static routes in the kernel, by netlink and without a process. Our routes have Holdfast's own protocol number.
 * Only our routes are ever removed, and another program's route is replaced only if the configuration says so.
 */
export class Routes implements Resource {
  readonly name = 'routes';
  readonly #host: Host;
  readonly #wanted: RoutesWanted;
  /** The routes of the last look, by finding, and those that could not be made. */
  #keys: ReadonlyMap<string, RouteKey> = new Map();
  #keyTexts: ReadonlySet<string> = new Set();
  #waiting: ReadonlySet<string> = new Set();
  readonly #follower = new LateFollower<RouteFollower>();
  /** The look that each finding is of. */
  readonly #looks = new WeakMap<Finding, KeptRoutes>();

  constructor(host: Host, wanted: RoutesWanted) {
    this.#host = host;
    this.#wanted = wanted;
  }

  async inspect(): Promise<Finding[]> {
    if (this.#wanted.routes.length === 0 && !hasRouteRecord(this.#host)) return [];
    const kept = await this.#keeping();
    const findings = await kept.inspect();
    const waiting = this.#waiting;
    this.#keys = kept.keys();
    this.#keyTexts = new Set([...this.#keys.values()].map(keyText));
    // A waiting route counts as waiting until it exists.
    const waits = ({ key, state }: Finding) => state === 'unknown' || (state === 'drifted' && waiting.has(key));
    this.#waiting = new Set(findings.filter(waits).map(({ key }) => key));
    return findings.map((finding): Finding => {
      if (finding.state !== 'drifted') return finding;
      const key = this.#keys.get(finding.key);
      const by = key === undefined ? null : (this.#follower.current?.whoTouched(key) ?? null);
      const drifted: Finding = waiting.has(finding.key) ? { ...finding, by, awaited: true } : { ...finding, by };
      this.#looks.set(drifted, kept);
      return drifted;
    });
  }

  async apply(finding: Finding): Promise<Outcome> {
    return (await this.applyMany([finding]))[0]!;
  }

  async applyMany(findings: readonly Finding[]): Promise<Outcome[]> {
    const looks = new Set(findings.map((finding) => this.#looks.get(finding)));
    const [look] = looks;
    return (looks.size === 1 && look !== undefined ? look : await this.#keeping()).apply(findings);
  }

  async snapshot(findings: readonly Finding[]): Promise<unknown> {
    const { routesSnapshot } = await import('./snapshot.ts');
    return routesSnapshot(
      this.#host,
      findings.flatMap(({ key }) => this.#keys.get(key) ?? []),
    );
  }

  watches(): string[] {
    return [];
  }

  follow(changed: () => void, deaf: (why: string) => void): () => void {
    if (!this.#host.live || this.#wanted.routes.length === 0) return () => {};
    return this.#follower.follow(async () => {
      const { RouteFollower } = await import('./follow.ts');
      const objects = new Set(this.#wanted.routes.flatMap(({ nexthopId }) => (nexthopId === null ? [] : [nexthopId])));
      const concern = () => ({ keys: this.#keyTexts, waiting: this.#waiting.size > 0, objects });
      return () => new RouteFollower(concern, changed);
    }, deaf);
  }

  /** Loaded only if there are routes to keep. */
  async #keeping(): Promise<KeptRoutes> {
    const { KeptRoutes } = await import('./reconcile.ts');
    return new KeptRoutes(this.#host, this.#wanted);
  }
}
