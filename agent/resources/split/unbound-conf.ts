/** Where unbound reads its configuration, and our file in it. */
import { HostError } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import type { Process } from '../../host/process/processes.ts';
import { SPLIT_FILE } from './split-view.ts';

const MAIN = '/etc/unbound/unbound.conf';
const NAME = `${SPLIT_FILE}.conf`;

/** `include-toplevel: "/etc/unbound/unbound.conf.d/*.conf"`. */
export const INCLUDED_FOLDER = /^([ \t]*include(?:-toplevel)?:[ \t]*)"?([^"\s*]+)\/\*\.conf"?[ \t]*$/gm;

export function isUnboundSplitFile(path: string): boolean {
  return path.endsWith(`/${NAME}`) && !/dnsmasq/.test(path);
}

/** The main configuration of this unbound; null: of the one that its service will start. */
export function unboundMain(process: Process | null): string {
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
  const main = unboundMain(process);
  const found = [...(host.readText(main) ?? '').matchAll(INCLUDED_FOLDER)];
  const [, , folder] = found.find(([, keyword]) => keyword?.includes('toplevel')) ?? found.at(-1) ?? [];
  if (folder?.startsWith('/')) return `${folder}/${NAME}`;
  throw new HostError(
    'ESPLIT',
    `unbound includes no folder of configuration files: write include-toplevel: "/etc/unbound/unbound.conf.d/*.conf" into ${main}, and reload unbound`,
  );
}
