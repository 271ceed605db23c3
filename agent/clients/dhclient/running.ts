/** The running dhclients of this host and of its own network, read from their command lines (dhclient(8)). */
import { changedAfterStart } from '../../host/files/file-times.ts';
import type { Host } from '../../host/host.ts';
import type { Process } from '../../host/process/processes.ts';

export interface RunningDhclient extends Process {
  readonly family: 4 | 6;
  /** Empty if dhclient serves every broadcast interface that it finds. */
  readonly interfaces: readonly string[];
  /** The value of `-cf`, or dhclient's compiled-in default. */
  readonly confFile: string;
  /** The value of `-lf`; null if the command line has none. */
  readonly leaseFile: string | null;
  /** The value of `-sf`; null if the command line has none. */
  readonly script: string | null;
  /** The program that runs this dhclient with a configuration of its own; null if no program does. */
  readonly owner: string | null;
}

/** dhclient's compiled-in default (_PATH_DHCLIENT_CONF) on Debian and RHEL. */
export const DEFAULT_CONF = '/etc/dhcp/dhclient.conf';

/**
 * Flags whose value is the next word: those of dhclient(8) 4.4, and `-C -B -H -F -V -timeout`, which RHEL patches in.
 */
const WITH_VALUE = new Set(
  (
    '-p -D -s -g -e -cf -df -lf -pf -sf -4o6 --dad-wait-time --prefix-len-hint --decline-wait-time --address-prefix-len ' +
    '-C -B -H -F -V -timeout'
  ).split(' '),
);

/** The flags of DHCPv6: each of them implies -6 (dhclient(8)). */
const OF_DHCPV6 = ['-6', '-S', '-N', '-T', '-P'];

export function dhcpClients(host: Host): RunningDhclient[] {
  return host.processes('dhclient', 'both').map(parseClient);
}

export function parseClient(process: Process): RunningDhclient {
  const values = new Map<string, string>();
  const interfaces: string[] = [];
  const flags = new Set<string>();
  const [, ...words] = process.arguments;
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] as string;
    if (!word.startsWith('-')) interfaces.push(word);
    else if (WITH_VALUE.has(word)) {
      index += 1;
      values.set(word, words[index] ?? '');
    } else flags.add(word);
  }
  const confFile = values.get('-cf') ?? DEFAULT_CONF;
  const script = values.get('-sf') ?? null;
  return {
    ...process,
    family: OF_DHCPV6.some((flag) => flags.has(flag)) ? 6 : 4,
    interfaces,
    confFile,
    leaseFile: values.get('-lf') ?? null,
    script,
    owner: ownerOf(confFile, script),
  };
}

/** "dhclient[812] on eth0". */
export function clientName(client: RunningDhclient): string {
  return `dhclient[${client.pid}] on ${client.interfaces.join(', ') || 'all interfaces'}`;
}

/** NetworkManager writes a new configuration at every start of its dhclient, and uses a script of its own. */
function ownerOf(confFile: string, script: string | null): string | null {
  const made = `${confFile} ${script ?? ''}`;
  if (made.includes('NetworkManager') || made.includes('nm-dhcp')) return 'NetworkManager';
  return made.includes('/wicked') ? 'wicked' : null;
}

/**
 * When the client's configuration changed after the client started (milliseconds since the epoch); null if the client
 * has read the present file. A running dhclient knows only the file that it read at its start. The file's ctime
 * decides, because no copying tool can set it back; file-times.ts may know more.
 */
export function staleSince(host: Host, client: RunningDhclient): number | null {
  return changedAfterStart(host, client.confFile, client);
}
