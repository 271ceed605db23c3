/**
 * Watches the files of resources. The set may change: a new dhclient reads another file, or a symbolic link leads
 * elsewhere.
 */
import type { Resource } from '../../hold/resource.ts';
import type { Host } from '../../host/host.ts';
import { type Watcher, watchFiles } from '../files/watcher.ts';

export class ResourceFiles {
  readonly #host: Host;
  readonly #resources: readonly Resource[];
  readonly #onChange: (changed: readonly Resource[]) => void;
  #watched = new Map<Resource, readonly string[]>();
  #watcher: Watcher | null = null;

  /** Begins to watch. `onChange` gets the resources that a change of a file may concern. */
  constructor(host: Host, resources: readonly Resource[], onChange: (changed: readonly Resource[]) => void) {
    this.#host = host;
    this.#resources = resources;
    this.#onChange = onChange;
    this.follow();
  }

  /** Lists the files again. Watches anew only if the list differs. */
  follow(): void {
    const watched = new Map(this.#resources.map((resource) => [resource, this.#paths(resource)]));
    if (JSON.stringify([...watched.values()]) === JSON.stringify([...this.#watched.values()])) return;
    this.#watched = watched;
    this.#watcher?.close();
    const paths = [...new Set([...watched.values()].flat())];
    this.#watcher = watchFiles(
      paths,
      (path) => this.#changed(path),
      () => {},
    ); // the keeper's interval finds the changes that the watch misses
  }

  close(): void {
    this.#watcher?.close();
  }

  #changed(path: string): void {
    const concerned = [...this.#watched].filter(([, paths]) => {
      return paths.some((own) => own === path || own.startsWith(`${path}/`));
    });
    if (concerned.length > 0) this.#onChange(concerned.map(([resource]) => resource));
  }

  /** The paths and the targets of their symbolic links, since both may change. */
  #paths(resource: Resource): string[] {
    try {
      return resource.watches().flatMap((path) => {
        return [...new Set([this.#host.locate(path), this.#host.locate(path, 'follow')])];
      });
    } catch {
      return this.#watched.get(resource)?.slice() ?? []; // the next look reports the error
    }
  }
}
