/**
 * Checks a configuration with the real dhclient. dhclient has no check mode, but it reads the whole file before it does
 * anything.
 */
import type { Host } from '../../../host/host.ts';
import { runInEmptyNetwork } from '../../../host/kernel/empty-network.ts';
import { RUN_FOLDER } from '../../../host/paths.ts';

/** The name is always the same, so the next apply removes a file that a killed apply left. */
const FILE = `${RUN_FOLDER}/dhclient.conf`;

/**
 * dhclient's complaints about `text` (latin1), each with its line. The list is empty if dhclient is missing, or the
 * right to make an empty network namespace. dhclient runs in that namespace, finds no interface, ends at once (9 ms)
 * and runs no script. Its exit status is always 0. Call this function under the lock, because only one check may run at
 * a time. Throws HostError.
 */
export function dhclientComplaints(host: Host, text: string): string[] {
  host.makeFolder(RUN_FOLDER, 0o755);
  try {
    host.replace(FILE, withinRoot(host, text), 0o600);
    const flags = ['-4', '-n', '-v', '--no-pid', '-sf', '/bin/true', '-lf', '/dev/null', '-cf', host.locate(FILE)];
    const { stderr } = runInEmptyNetwork(host, 'dhclient', flags);
    return stderr
      .split('\n')
      .filter((line) => / line \d+: /.test(line))
      .map((line) => line.slice(line.indexOf(' line ') + 1));
  } finally {
    host.remove(FILE);
  }
}

/** This machine's dhclient also checks files of another root: an included path then means the file of that root. */
function withinRoot(host: Host, text: string): string {
  if (host.root === '/') return text;
  return text.replace(/\b(include\s+)"(\/[^"\\\n]*)"/gi, (_, include, path) => {
    return `${include}"${host.locate(path, 'follow')}"`;
  });
}
