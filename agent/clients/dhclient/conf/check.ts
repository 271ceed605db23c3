/** Checks a configuration with the real dhclient, which has no check mode, but reads the whole file before it does anything. */
import { runInEmptyNetwork } from '../../../host/empty-network.ts';
import type { Host } from '../../../host/host.ts';
import { RUN_FOLDER } from '../../../host/paths.ts';

/** The name is always the same, so that the next apply removes a file that a killed one left. */
const FILE = `${RUN_FOLDER}/dhclient.conf`;

/**
 * dhclient's complaints about `text` (latin1), each with its line; none where dhclient, or the right to make the empty
 * network namespace that it is run in, is missing. It finds no interface there, so it ends at once (9 ms) and runs no
 * script; its exit status is always 0. One at a time: to be called under the lock. Throws HostError.
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

/** The programs of this machine read the files of another root: where that includes a file, it is the root's own. */
function withinRoot(host: Host, text: string): string {
  if (host.root === '/') return text;
  return text.replace(/\b(include\s+)"(\/[^"\\\n]*)"/gi, (_, include, path) => {
    return `${include}"${host.locate(path, 'follow')}"`;
  });
}
