/** Several throw-away hosts with daemons that report to one collector, which runs in this process. */
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createServer, type Server, connect as socketTo } from 'node:net';
import { RunningAgent } from './daemon.ts';
import type { LabHost } from './host.ts';

/** A host reaches the collector by its own loopback, and a socket in its own file system: there is no other network. */
const ENDPOINT = 'http://127.0.0.1:4318';
const SOCKET = '/run/lab/collector.sock';
/** In Perl, because a program of Node would itself be one that may keep a name server. */
const RELAY = `use IO::Socket::INET; use IO::Socket::UNIX; use IO::Select;
$SIG{CHLD} = 'IGNORE'; $| = 1;
my $listener = IO::Socket::INET->new(Listen => 64, LocalAddr => '127.0.0.1:4318', ReuseAddr => 1) or die $!;
print "ready\\n";
while (my $client = $listener->accept) {
  next if fork;
  my $collector = IO::Socket::UNIX->new(Peer => '${SOCKET}') or exit;
  my %other = ($client => $collector, $collector => $client);
  my $both = IO::Select->new($client, $collector);
  while (my @ready = $both->can_read) {
    for my $from (@ready) {
      sysread($from, my $bytes, 65536) or exit;
      while (length $bytes) { my $sent = syswrite($other{$from}, $bytes) or exit; substr($bytes, 0, $sent) = '' }
    }
  }
}
`;
const DAY = 86_400_000;

export class Member implements AsyncDisposable {
  readonly host: LabHost;
  readonly name: string;
  readonly #server: Server;
  readonly #relay: ChildProcess;
  #agent: RunningAgent | null = null;

  private constructor(host: LabHost, name: string, server: Server, relay: ChildProcess) {
    this.host = host;
    this.name = name;
    this.#server = server;
    this.#relay = relay;
  }

  /** Gives a host a name and a machine-id of its own, and a way to the collector at `url`. */
  static async join(host: LabHost, name: string, url: string): Promise<Member> {
    const { hostname, port } = new URL(url);
    await host.write('/etc/machine-id', `${randomBytes(16).toString('hex')}\n`);
    await host.sh(`hostname ${name}`);
    const server = createServer((client) => {
      const collector = socketTo(Number(port), hostname);
      client.pipe(collector).pipe(client);
      for (const one of [client, collector]) {
        one.on('error', () => {
          client.destroy();
          collector.destroy();
        });
      }
    });
    await new Promise<void>((resolve) => server.listen(host.path(SOCKET), resolve));
    const relay = host.spawn(['perl', '-e', RELAY]);
    await new Promise((resolve) => relay.stdout!.once('data', resolve));
    return new Member(host, name, server, relay);
  }

  /**
   * Starts the daemon with this configuration beside its report. Its ledger is made to watch since two days. A daemon
   * that only observes has no ledger.
   */
  async run(config: string, { enforce = true } = {}): Promise<void> {
    const report = `report: { endpoint: "${ENDPOINT}", interval: 5s, enforce: ${enforce} }\n`;
    await this.host.write('/etc/holdfast/agent.yaml', `${config}ledger: always\n${report}`);
    // The daemon of the sources is a program of Node, and must not be older than resolv.conf.
    if (enforce) await this.host.sh('agent apply');
    this.#agent = await RunningAgent.start(this.host);
    if (!enforce) return;
    const since = Date.now() - 2 * DAY;
    await this.host.sh(
      `until [ -s /run/holdfast/ledger ]; do sleep 0.1; done; sed -i 's/"since":[0-9]*/"since":${since}/g' /run/holdfast/ledger`,
    );
  }

  /** Ends the daemon as the service manager does. */
  async stop(): Promise<void> {
    await this.#agent?.stop();
    this.#agent = null;
  }

  async kill(): Promise<void> {
    await this.#agent?.signal('KILL');
    this.#agent = null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#relay.kill();
    this.#server.close();
    await this.host.close();
  }
}
