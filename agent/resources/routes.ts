import type { DesiredRoute } from '../config/desired.ts';
import type { DesiredMetadata } from '../config/metadata.ts';
import type { Host } from '../host/host.ts';
import type { Finding, Outcome, Resource } from './resource.ts';
import { hasRecord } from './routes-record.ts';

/**
 * Keeps static routes in the kernel, by netlink and without a process. They bear a protocol number of Holdfast's own: only those
 * are ever removed, and somebody else's give way only where the configuration says so.
 */
export class Routes implements Resource {
  readonly name = 'routes';
  readonly #host: Host;
  readonly #routes: readonly DesiredRoute[];
  readonly #metadata: DesiredMetadata;

  constructor(host: Host, { routes, metadata }: { routes: readonly DesiredRoute[]; metadata: DesiredMetadata }) {
    this.#host = host;
    this.#routes = routes;
    this.#metadata = metadata;
  }

  async inspect(): Promise<Finding[]> {
    if (this.#routes.length === 0 && !hasRecord(this.#host)) return [];
    return (await this.#keeping()).inspect();
  }

  async apply(finding: Finding): Promise<Outcome> {
    return (await this.#keeping()).apply(finding);
  }

  watches(): string[] {
    return [];
  }

  /** Loaded only where there are routes to be kept. */
  async #keeping() {
    const { KeptRoutes } = await import('./routes-kept.ts');
    return new KeptRoutes(this.#host, this.#routes, this.#metadata);
  }
}
