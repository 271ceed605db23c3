/** The running dhclients of this host and its own network, by what their command lines say (dhclient(8)). */
import { changedAfterStart } from '../../host/file-times.ts';
import type { Host } from '../../host/host.ts';
import type { Process } from '../../host/process/processes.ts';

export interface DhcpClient extends Process {
  readonly family: 4 | 6;
  /** Empty means every broadcast interface that it finds. */
  readonly interfaces: readonly string[];
  /** `-cf`, or what dhclient was built with. */
  readonly confFile: string;
  /** `-lf`; null: the default. */
  readonly leaseFile: string | null;
  /** `-sf`; null: the default. */
  readonly script: string | null;
  /** The program that runs this dhclient with its own configuration; null if none does. */
  readonly owner: string | null;
}

/** dhclient's compiled-in default (_PATH_DHCLIENT_CONF) on Debian and RHEL. */
export const DEFAULT_CONF = '/etc/dhcp/dhclient.conf';

/** Flags that take the next word: dhclient(8) of 4.4, and `-C -B -H -F -V -timeout` as RHEL patches them in. */
const WITH_VALUE = new Set(
  (
    '-p -D -s -g -e -cf -df -lf -pf -sf -4o6 --dad-wait-time --prefix-len-hint --decline-wait-time --address-prefix-len ' +
    '-C -B -H -F -V -timeout'
  ).split(' '),
);

export function dhcpClients(host: Host): DhcpClient[] {
  return host.processes('dhclient', 'both').map(parseClient);
}

export function parseClient(process: Process): DhcpClient {
  const values = new Map<string, string>();
  const interfaces: string[] = [];
  const [, ...words] = process.arguments;
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] as string;
    if (!word.startsWith('-')) interfaces.push(word);
    else if (WITH_VALUE.has(word)) {
      index += 1;
      values.set(word, words[index] ?? '');
    }
  }
  const confFile = values.get('-cf') ?? DEFAULT_CONF;
  const script = values.get('-sf') ?? null;
  return {
    ...process,
    family: words.includes('-6') ? 6 : 4,
    interfaces,
    confFile,
    leaseFile: values.get('-lf') ?? null,
    script,
    owner: ownerOf(confFile, script),
  };
}

/** "dhclient[812] on eth0". */
export function clientName(client: DhcpClient): string {
  return `dhclient[${client.pid}] on ${client.interfaces.join(', ') || 'all interfaces'}`;
}

/** NetworkManager writes a configuration anew at every start of its dhclient, and has a script of its own. */
function ownerOf(confFile: string, script: string | null): string | null {
  const made = `${confFile} ${script ?? ''}`;
  if (made.includes('NetworkManager') || made.includes('nm-dhcp')) return 'NetworkManager';
  return made.includes('/wicked') ? 'wicked' : null;
}

/**
 * Whether the client's configuration changed after it started: it knows only the old one, until it is started again. By
 * the file's ctime, which no copying tool sets back, unless more is known (file-times.ts); milliseconds since the epoch, or null.
 */
export function staleSince(host: Host, client: DhcpClient): number | null {
  return changedAfterStart(host, client.confFile, client);
}
