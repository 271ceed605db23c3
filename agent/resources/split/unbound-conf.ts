/** Where unbound reads its configuration, and our file in it. */
import { HostError } from '../../host/errors.ts';
import { mustBeRoots } from '../../host/files/only-root.ts';
import type { Host } from '../../host/host.ts';
import type { Process } from '../../host/process/processes.ts';
import { SPLIT_FILE } from './split-view.ts';

const MAIN = '/etc/unbound/unbound.conf';
const NAME = `${SPLIT_FILE}.conf`;

/** `include-toplevel: "/etc/unbound/unbound.conf.d/*.conf"`. */
export const INCLUDED_FOLDER = /^([ \t]*include(?:-toplevel)?:[ \t]*)"?([^"\s*]+)\/\*\.conf"?[ \t]*$/gm;

/**
 * The main configuration of this unbound; null: of the one that its service will start. Throws HostError if others than
 * root can change it.
 */
export function unboundMain(host: Host, process: Process | null): string {
  const main = namedMain(process);
  mustBeRoots(host, main, nameOf(process));
  return main;
}

function namedMain(process: Process | null): string {
  const args = process?.arguments ?? [];
  const at = args.findIndex((arg) => arg === '-c' || /^-c./.test(arg));
  if (at === -1) return MAIN;
  return args[at] === '-c' ? (args[at + 1] ?? MAIN) : args[at]!.slice(2);
}

/**
 * Our file for this unbound. Throws HostError if its configuration includes no folder. A folder of `include-toplevel` is
 * preferred: a file of another folder may stand within a clause, which ours would end.
 */
export function unboundSplitFile(host: Host, process: Process | null): string {
  const main = unboundMain(host, process);
  const found = [...(host.readText(main) ?? '').matchAll(INCLUDED_FOLDER)];
  const [, , folder] = found.find(([, keyword]) => keyword?.includes('toplevel')) ?? found.at(-1) ?? [];
  if (folder?.startsWith('/')) {
    mustBeRoots(host, folder, nameOf(process));
    return `${folder}/${NAME}`;
  }
  throw new HostError(
    'ESPLIT',
    `unbound includes no folder of configuration files: write include-toplevel: "/etc/unbound/unbound.conf.d/*.conf" into ${main}, and reload unbound`,
  );
}

function nameOf(process: Process | null): string {
  return process === null ? 'unbound' : `unbound[${process.pid}]`;
}
