/** Programs that ask name servers, each in a control group and under a user of its own, on a throw-away host. */
import type { LabHost } from './host.ts';

/** The server's address in the lab, and an address of its network that no machine has. */
export const SERVER = '10.77.0.1';
export const NOBODY = '10.77.0.99';

const GROUPS = '/sys/fs/cgroup';

/**
 * Sends DNS questions for NAME to SERVER:53, without a pause: `perl FILE SERVER NAME COUNT`. No connection, so that an
 * ICMP error of the server keeps no later question back.
 */
const ASK = `use Socket;
my ($server, $name, $count) = @ARGV;
socket(my $s, PF_INET, SOCK_DGRAM, 17) or die $!;
my $to = pack_sockaddr_in(53, inet_aton($server));
for my $n (1 .. $count) {
  my $question = pack('n6', $n, 0x0100, 1, 0, 0, 0) . join('', map { pack('C/a*', $_) } split(/\\./, $name)) . pack('Cnn', 0, 1, 1);
  send($s, $question, 0, $to) or die "question $n: $!";
}
`;
/** Opens one TCP connection to SERVER:853 and ends. */
export const CONNECT = `use Socket; socket(my $s, PF_INET, SOCK_STREAM, 6); connect($s, pack_sockaddr_in(853, inet_aton($ARGV[0])));`;

export interface Asking {
  readonly server?: string;
  readonly name?: string;
  readonly count?: number;
  /** The control group, below the lab's own; null for the group of the test itself. */
  readonly unit?: string | null;
  readonly uid?: number;
}

/** A host whose eth0 leads to SERVER, and the control groups of its units. */
export class Askers {
  readonly #host: LabHost;
  readonly #root: string;

  private constructor(host: LabHost, root: string) {
    this.#host = host;
    this.#root = root;
  }

  static async on(host: LabHost): Promise<Askers> {
    await host.sh(`
      ip addr add 10.77.0.2/24 dev eth0 && ip link set eth0 up
      ip -n server addr add ${SERVER}/24 dev srv0 && ip -n server link set srv0 up
      ping -c1 -W5 -q ${SERVER} >/dev/null
      mount -t cgroup2 none ${GROUPS}`);
    await host.write('/run/lab/ask.pl', ASK);
    const root = `${GROUPS}/holdfast-lab-${process.pid}-${Math.random().toString(36).slice(2)}.slice`;
    await host.sh(`mkdir ${root}`);
    return new Askers(host, root);
  }

  /** The command line of an asker, for sh. */
  command({ server = SERVER, name = 'a.example', count = 1, unit = 'a.service', uid = 0 }: Asking = {}): string {
    const group =
      unit === null ? '' : `mkdir -p ${this.#root}/${unit} && echo $$ >${this.#root}/${unit}/cgroup.procs && `;
    const user = uid === 0 ? '' : `setpriv --reuid ${uid} --clear-groups `;
    return `sh -c '${group}exec ${user}perl /run/lab/ask.pl ${server} ${name} ${count}'`;
  }

  async ask(asking: Asking = {}): Promise<void> {
    await this.#host.sh(this.command(asking));
  }

  /** Ends a unit: its control group goes. */
  async end(unit: string): Promise<void> {
    await this.#host.sh(`rmdir ${this.#root}/${unit}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#host.sh(`find ${this.#root} -depth -type d -exec rmdir {} ';'`);
  }
}

export interface SeenAsker {
  readonly packets: number;
  readonly last: number;
}

/** What `agent probe asked` prints: each asker as `server unit user`, and since when the ledger counts (seconds). */
export async function askedOn(host: LabHost) {
  const { stdout } = await host.agent('probe', 'asked', '--json');
  return readingsOf(JSON.parse(stdout).probes[0]);
}

interface ProbeJson {
  readonly success: boolean;
  readonly error: string | null;
  readonly samples: readonly { metric: string; value: number; attributes: Record<string, string> }[];
  readonly conditions: readonly { code: string; body: string }[];
}

export function readingsOf({ success, error, samples, conditions }: ProbeJson) {
  const askers = new Map<string, SeenAsker>();
  const since = new Map<string, number>();
  for (const { metric, value, attributes } of samples) {
    const key = `${attributes.server} ${attributes.unit} ${attributes.user}`;
    if (metric === 'holdfast.nameserver.ledger_since') since.set(attributes.server ?? '', value);
    if (metric === 'holdfast.nameserver.asked') askers.set(key, { packets: value, last: 0 });
    if (metric === 'holdfast.nameserver.last_asked') askers.set(key, { ...askers.get(key)!, last: value });
  }
  const packets = Object.fromEntries([...askers].map(([key, one]) => [key, one.packets]).sort());
  return { success, error, askers, packets, since, conditions };
}
