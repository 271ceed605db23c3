/** Names of systemd's units (systemd.unit(5)). */
import { show } from '../config-error.ts';

const TYPES = 'service|scope|slice|socket|mount|automount|swap|path|timer|target|device';

/** For the schema. No pattern such as `frr*`, which journalctl would compare with the units that have logged so far. */
export const UNIT_PATTERN = `^[A-Za-z0-9:_.\\\\@-]{1,240}\\.(${TYPES})$`;

export function unitNameProblem(name: string): string | undefined {
  if (new RegExp(UNIT_PATTERN).test(name)) return undefined;
  if (name.startsWith('/')) return `${show(name)} is a file; list it below logs: [{ path: ${name} }]`;
  if (new RegExp(UNIT_PATTERN).test(`${name}.service`)) return `${show(name)} has no type; write ${name}.service`;
  return `${show(name)} is no unit; write a whole name, such as frr.service`;
}
