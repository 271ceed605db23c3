/** Programs in the operator's words. */
import type { Host } from '../host/host.ts';
import { containerText } from '../host/process/container-names.ts';
import type { Program } from '../host/process/programs.ts';

/** `nginx.service (nginx[812])`, `container web (nginx[812])`, `node[4711]`. */
export function whoIs(host: Host, { pid, comm, executable, unit, container }: Program): string {
  // Node calls its first thread so, and the kernel takes that for the name of the program.
  const name = comm === 'MainThread' ? (executable?.replace(/^.*\//, '') ?? comm) : comm;
  const program = `${name}[${pid}]`;
  if (container !== null) return `${containerText(host, container)} (${program})`;
  return unit === null ? program : `${unit} (${program})`;
}

/** The first program, and how many more see the same. */
export function whoAre(host: Host, programs: readonly Program[]): string {
  const [first] = programs;
  if (first === undefined) return '';
  const more = programs.length - 1;
  return `${whoIs(host, first)}${more === 0 ? '' : ` and ${more} more program${more === 1 ? '' : 's'}`}`;
}
