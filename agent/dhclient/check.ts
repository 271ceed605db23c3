/** What the real dhclient says of a configuration: it has no check mode, but it reads all of it before it does anything. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Host } from '../host/host.ts';

/**
 * dhclient's complaints about `text` (latin1), each with its line; none where dhclient, or the right to make the empty
 * network namespace that it is run in, is missing. It finds no interface there, so it ends at once (9 ms) and runs no
 * script; its exit status is always 0.
 */
export function dhclientComplaints(host: Host, text: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-'));
  try {
    const file = join(folder, 'dhclient.conf');
    writeFileSync(file, text, 'latin1');
    const flags = ['-4', '-n', '-v', '--no-pid', '-sf', '/bin/true', '-lf', join(folder, 'leases'), '-cf', file];
    const { stderr } = host.run('unshare', ['--net', 'dhclient', ...flags]);
    return stderr
      .split('\n')
      .filter((line) => / line \d+: /.test(line))
      .map((line) => line.slice(line.indexOf(' line ') + 1));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
