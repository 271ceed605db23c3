/** Containers by the names that their engines gave them. */
import { nullIfRefused } from '../errors.ts';
import type { Host } from '../host.ts';
import { type Container, containerOf } from './containers.ts';
import { procText, unitOf } from './proc.ts';

/** `container web of Docker`; with the first digits of its id if the engine's files do not tell its name. */
export function containerText(host: Host, { engine, id }: Container): string {
  const name = engine === 'docker' ? dockerName(host, id) : engine === 'podman' ? podmanName(host, id) : null;
  const short = /^[0-9a-f]{64}$/.test(id) ? id.slice(0, 12) : id;
  return `container ${name ?? short} of ${ENGINES[engine] ?? engine}`;
}

/** The container of a process, or else its systemd unit; null if it has neither. Throws if the process has ended. */
export function containerOrUnitOf(host: Host, pid: number): string | null {
  const container = containerOf(procText(pid, 'cgroup'));
  return container === null ? unitOf(pid) : containerText(host, container);
}

const ENGINES: Readonly<Record<string, string>> = {
  docker: 'Docker',
  podman: 'Podman',
  pod: 'Kubernetes',
  lxc: 'LXC',
  machine: 'systemd-machined',
};

function dockerName(host: Host, id: string): string | null {
  const text = nullIfRefused(() => host.readText(`/var/lib/docker/containers/${id}/config.v2.json`));
  return /"Name":"\/([\w.-]+)"/.exec(text ?? '')?.[1] ?? null;
}

function podmanName(host: Host, id: string): string | null {
  if (podman?.host !== host) {
    podman = { host, containers: podmanContainers(host) };
    setImmediate(() => {
      podman = null;
    });
  }
  const names = podman.containers.find((one) => one.id === id)?.names;
  return Array.isArray(names) && typeof names[0] === 'string' ? names[0] : null;
}

interface PodmanContainer {
  readonly id?: unknown;
  readonly names?: unknown;
}

/** One file names all containers of Podman: it is read once for all callers in the same turn of the event loop. */
let podman: { readonly host: Host; readonly containers: readonly PodmanContainer[] } | null = null;

/** Empty if the file cannot be read. */
function podmanContainers(host: Host): readonly PodmanContainer[] {
  const text = nullIfRefused(() => host.readText('/var/lib/containers/storage/overlay-containers/containers.json'));
  try {
    const all: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(all) ? all.filter((one) => typeof one === 'object' && one !== null) : [];
  } catch {
    return [];
  }
}
