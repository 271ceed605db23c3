/** Programs in the operator's words. */
import { nullIfRefused } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import type { Program } from '../host/process/programs.ts';

/** `nginx.service (nginx[812])`, `container web (nginx[812])`, `node[4711]`. */
export function whoIs(host: Host, { pid, comm, executable, unit, container }: Program): string {
  // Node calls its first thread so, and the kernel takes that for the name of the program.
  const name = comm === 'MainThread' ? (executable?.replace(/^.*\//, '') ?? comm) : comm;
  const program = `${name}[${pid}]`;
  if (container !== null) return `${containerName(host, container)} (${program})`;
  return unit === null ? program : `${unit} (${program})`;
}

/** The first program, and how many more see the same. */
export function whoAre(host: Host, programs: readonly Program[]): string {
  const [first] = programs;
  if (first === undefined) return '';
  const more = programs.length - 1;
  return `${whoIs(host, first)}${more === 0 ? '' : ` and ${more} more program${more === 1 ? '' : 's'}`}`;
}

function containerName(host: Host, { engine, id }: NonNullable<Program['container']>): string {
  const name = engine === 'docker' ? dockerName(host, id) : engine === 'podman' ? podmanName(host, id) : null;
  const short = /^[0-9a-f]{64}$/.test(id) ? id.slice(0, 12) : id;
  return `container ${name ?? short} of ${ENGINES[engine] ?? engine}`;
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
  const text = nullIfRefused(() => host.readText('/var/lib/containers/storage/overlay-containers/containers.json'));
  try {
    const all = JSON.parse(text ?? '[]') as { id?: unknown; names?: unknown }[];
    const names = all.find((one) => one.id === id)?.names;
    return Array.isArray(names) && typeof names[0] === 'string' ? names[0] : null;
  } catch {
    return null;
  }
}
