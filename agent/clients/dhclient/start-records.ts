/**
 * A copy of the dhclient.conf that each running dhclient read at its start, kept in RUN_FOLDER while the dhclient runs.
 * The copy shows what a change of the file means to a running dhclient (pending-changes.ts).
 */
import { noteFile } from '../../host/files/file-times.ts';
import type { Host } from '../../host/host.ts';
import { RUN_FOLDER } from '../../host/paths.ts';
import { type RunningDhclient, staleSince } from './running.ts';

/**
 * Keeps the present file for each dhclient that has read it. Call this before the file is changed. Throws HostError.
 */
export function noteStarts(host: Host, clients: readonly RunningDhclient[]): void {
  for (const file of new Set(clients.map(({ confFile }) => confFile))) noteFile(host, file);
  const running = new Set(clients.map(({ pid }) => fileOf(pid)));
  for (const name of host.list(RUN_FOLDER).filter((one) => /^read\.\d+$/.test(one)))
    if (!running.has(`${RUN_FOLDER}/${name}`)) host.remove(`${RUN_FOLDER}/${name}`);
  for (const client of clients) {
    if (client.owner !== null || staleSince(host, client) !== null || readAtStart(host, client) !== null) continue;
    const start = host.birthOf(client.pid);
    const text = host.readText(client.confFile) ?? '';
    if (start === null) continue;
    host.makeFolder(RUN_FOLDER, 0o755);
    host.replaceOwn(fileOf(client.pid), `${start}\n${text}`, 0o600);
  }
}

/** The text that this dhclient read at its start, in latin1; null if it is unknown or we may not read it. */
export function readAtStart(host: Host, client: RunningDhclient): string | null {
  const text = host.readText(fileOf(client.pid));
  if (text === null) return null;
  const end = text.indexOf('\n');
  return text.slice(0, end) === host.birthOf(client.pid) ? text.slice(end + 1) : null;
}

const fileOf = (pid: number) => `${RUN_FOLDER}/read.${pid}`;
