/** `status` on a host without a configuration: prints resolv.conf and the programs that write it. */
import { examine, surroundingsOf } from '../doctor/examine.ts';
import type { Finding } from '../hold/resource.ts';
import { nullIfRefused } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { RESOLV_CONF } from '../resolver/resolv-conf.ts';
import { NOT_CONFIGURED } from './context/context.ts';
import { paint, print, shown } from './output/output.ts';

export interface UnconfiguredView {
  /** The lines that the C library reads: those with a keyword, without comments. */
  readonly lines: readonly string[];
  /** The target of the symbolic link; null if the file is no link. */
  readonly link: string | null;
  /** One sentence for each program that writes the file, or that hinders holding it. */
  readonly writers: readonly string[];
}

export function surroundings(host: Host): UnconfiguredView {
  const found = examine(surroundingsOf(host, null, []), ['resolver', 'resolved']);
  return {
    lines: linesOf(host),
    link: host.readLink(RESOLV_CONF) === null ? null : host.target(RESOLV_CONF),
    writers: found.filter(({ code }) => code.startsWith('HF-RESOLV')).map(({ seen }) => seen),
  };
}

/** resolv.conf's lines with a keyword, without comments. */
export function linesOf(host: Host): string[] {
  const text = nullIfRefused(() => host.readText(RESOLV_CONF)) ?? '';
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => /^[a-z]/.test(line));
}

/** `left` names what an apply of an earlier configuration left on the host. */
export function tellSurroundings(
  { lines, link, writers }: UnconfiguredView,
  left: readonly Finding[],
  live: boolean,
): void {
  print(NOT_CONFIGURED);
  print(`\n${paint('bold', RESOLV_CONF)}${link === null ? '' : ` → ${shown(link)}`}`);
  for (const line of lines) print(`  ${shown(line)}`);
  if (lines.length === 0) print('  (no name server)');
  for (const writer of writers) print(`  ${paint('yellow', '!')} ${shown(writer)}`);
  if (left.length > 0) {
    print(
      `\nAn earlier apply left: ${left.map(({ key }) => shown(key)).join(', ')}. \`agent revert\` puts the originals back.`,
    );
  }
  print(
    '\n`agent init` writes a configuration from what the host has now. `agent probe` looks at routes, their limits,',
  );
  print('memory errors and leases, `agent doctor` at what else acts on these settings.');
  if (!live)
    print(paint('gray', '\nThe running kernel and its processes were not looked at (use --live to include them).'));
}
