/** Lines of sh for hooks that differ by interface. */
import type { DesiredDhcp } from '../config/desired.ts';
import { quote } from '../resolver/compose-sh.ts';

/**
 * The lines for each interface with a scope of its own; those of all others are last. `lines`: for an interface, or null
 * for all others. Values never contain a line break, so every line is a line of sh.
 */
export function byInterface({ interfaces }: DesiredDhcp, lines: (iface: string | null) => string): string {
  const others = lines(null);
  const own = [...interfaces.keys()].map((name) => [name, lines(name)] as const);
  if (own.every(([, text]) => text === others)) return others;
  const branches = own.map(([name, text]) => `${quote(name)})\n${indented(text)}    ;;\n`).join('');
  return `case "\${interface-}" in\n${branches}*)\n${indented(others)}    ;;\nesac\n`;
}

export function indented(lines: string): string {
  return lines.replace(/^(?=.)/gm, '    ');
}
