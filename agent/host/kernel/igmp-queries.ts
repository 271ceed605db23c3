/**
 * Hears IGMP queries, which the kernel does not count. They need a raw socket (raw(7), CAP_NET_RAW), which Node cannot
 * open. perl (Debian's essential perl-base) opens it: one process for all interfaces, asleep until an IGMP packet
 * comes. A querier's packets to all hosts reach the socket whatever groups are joined.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const PERL = '/usr/bin/perl';

export interface IgmpQuery {
  readonly device: string;
  readonly version: 1 | 2 | 3;
  /** The querier's address; a switch without an address asks from 0.0.0.0. */
  readonly from: string;
}

export interface QueryListening {
  /** Why nothing is heard; null while we listen. */
  readonly deaf: string | null;
  /** Whether a new start may help. */
  readonly mayBegin: boolean;
  close(): Promise<void>;
}

/** Starts to listen. Never throws. The perl process ends with this process, however this process ends. */
export function hearIgmpQueries(devices: readonly string[], heard: (query: IgmpQuery) => void): QueryListening {
  let deaf: string | null = null;
  let mayBegin = false;
  const child = spawn(PERL, ['-e', LISTEN, ...devices], { stdio: ['pipe', 'pipe', 'ignore'], env: { LC_ALL: 'C' } });
  const gone = once(child, 'close').catch(() => []);
  child.on('error', (error) => {
    deaf = `${PERL} cannot be started: ${error.message}`;
  });
  child.on('close', (status) => {
    mayBegin = deaf === null && status !== NOT_PERMITTED;
    deaf ??= mayBegin ? 'its listener ended' : 'it takes CAP_NET_RAW, which this process does not have';
  });
  child.stdin.on('error', () => {}); // The process has ended: `close` reports this.
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [, device, version, from] = /^(\S{1,15}) ([123]) ([\d.]{7,15})$/.exec(line) ?? [];
    if (device !== undefined && from !== undefined) heard({ device, version: Number(version) as 1 | 2 | 3, from });
  });
  child.unref();
  return {
    get deaf() {
      return deaf;
    },
    get mayBegin() {
      return mayBegin;
    },
    async close() {
      child.stdin.end();
      await gone;
    },
  };
}

const NOT_PERMITTED = 77;

/**
 * Only general queries count: a query about one group may come from a switch that is no querier. At most one query a
 * second is reported for each interface. Type 0x11; 8 bytes are version 2, or version 1 if the second byte is 0; 12
 * bytes and more are version 3 (RFC 3376, 7.1).
 */
const LISTEN = `
use Socket;
my ($ready, %device, %told) = ('');
vec($ready, fileno(STDIN), 1) = 1;
for my $name (@ARGV) {
  socket(my $socket, AF_INET, SOCK_RAW, 2) or exit ${NOT_PERMITTED};
  setsockopt($socket, SOL_SOCKET, 25, "$name\\0") or next;
  vec($ready, fileno($socket), 1) = 1;
  $device{fileno($socket)} = [$name, $socket];
}
# Where this process may: what it reads is anybody's.
$) = '65534 65534'; $( = 65534; $> = 65534; $< = 65534;
while (1) {
  my $now = $ready;
  select($now, undef, undef, undef) > 0 or next;
  if (vec($now, fileno(STDIN), 1)) { sysread(STDIN, my $rest, 64) or exit 0 }
  for my $fd (keys %device) {
    next unless vec($now, $fd, 1);
    my ($name, $socket) = @{$device{$fd}};
    defined(recv($socket, my $packet, 2048, 0)) or exit 1;
    my $header = 4 * (unpack('C', $packet) & 15);
    my $igmp = $header >= 20 ? substr($packet, $header) : '';
    my $length = length $igmp;
    next if $length != 8 && $length < 12;
    my ($type, $code, undef, $group) = unpack('CCnN', $igmp);
    next if $type != 0x11 || $group != 0;
    my $sum = unpack('%32n*', $length % 2 ? "$igmp\\0" : $igmp);
    $sum = ($sum & 0xffff) + ($sum >> 16) while $sum >> 16;
    next if $sum != 0xffff || ($told{$name} || 0) == time;
    $told{$name} = time;
    my $version = $length == 8 ? ($code == 0 ? 1 : 2) : 3;
    syswrite(STDOUT, join(' ', $name, $version, inet_ntoa(substr($packet, 12, 4))) . "\\n") or exit 1;
  }
}
`;
