/**
 * What each running dhclient read when it started: its dhclient.conf as it was then, kept in RUN_FOLDER as long as it runs. With it
 * it can be said what a change of the file means to a running one (pending.ts).
 */

import { noteFile } from '../../host/file-times.ts';
import type { Host } from '../../host/host.ts';
import { RUN_FOLDER } from '../../host/paths.ts';
import { type DhcpClient, staleSince } from './clients.ts';

/** Keeps the file for each of them that read it as it is now; to be called before the file is changed. Throws HostError. */
export function noteStarts(host: Host, clients: readonly DhcpClient[]): void {
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

/** What this dhclient read, in latin1; null: it is not known, or not ours to read. */
export function readAtStart(host: Host, client: DhcpClient): string | null {
  const text = host.readText(fileOf(client.pid));
  if (text === null) return null;
  const end = text.indexOf('\n');
  return text.slice(0, end) === host.birthOf(client.pid) ? text.slice(end + 1) : null;
}

const fileOf = (pid: number) => `${RUN_FOLDER}/read.${pid}`;
