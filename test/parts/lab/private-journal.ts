/** The machine's own journald, run on a throw-away host, and programs that write to it from the control groups of units. */
import type { LabHost } from './host.ts';

const JOURNALD = '/lib/systemd/systemd-journald';
const GROUPS = '/sys/fs/cgroup';

/** The programs, for `unavailable`, with Debian's package of each. */
export const JOURNAL_PARTS = { journalctl: 'systemd', perl: 'perl-base' } as const;

/**
 * Sends each argument as an entry in journald's native protocol, and waits until journald knows who it is:
 * `perl FILE GROUP ENTRY…`. An entry is one message, or several with ` & ` between them; `\\0` in it is a NUL, and
 * `{N}` N letters.
 */
const WRITE = `use Socket;
my ($group, @entries) = @ARGV;
open(my $procs, '>', "$group/cgroup.procs") or die "$group: $!";
print $procs $$; close $procs or die $!;
socket(my $s, PF_UNIX, SOCK_DGRAM, 0) or die $!;
connect($s, pack_sockaddr_un('/run/systemd/journal/socket')) or die $!;
for my $entry (@entries) {
  my $data = '';
  for my $message (split / & /, $entry) {
    $message =~ s/\\\\0/\\0/g; $message =~ s/\\{(\\d+)\\}/'x' x $1/e;
    $data .= "MESSAGE\\n" . pack('Q<', length $message) . $message . "\\n";
  }
  send($s, $data, 0) or die "send: $!";
}
select(undef, undef, undef, 0.3);
`;

export class PrivateJournal {
  readonly #host: LabHost;
  readonly #root: string;

  private constructor(host: LabHost, root: string) {
    this.#host = host;
    this.#root = root;
  }

  static async on(host: LabHost): Promise<PrivateJournal> {
    const root = `${GROUPS}/holdfast-lab-${process.pid}-${Math.random().toString(36).slice(2)}.slice`;
    await host.write('/run/lab/write.pl', WRITE);
    await host.sh(`mount -t cgroup2 none ${GROUPS}; mkdir ${root}
      printf '%032x\\n' 7 >/etc/machine-id; rm -rf /var/log/journal; mkdir -p /run/systemd/journal`);
    const journal = new PrivateJournal(host, root);
    host.spawn(['sh', '-c', `echo $$ >/run/lab/journald.pid; exec ${JOURNALD}`]);
    await host.sh('until journalctl -n1 -q | grep -q .; do sleep 0.05; done');
    return journal;
  }

  /** Writes entries (see WRITE) from a unit, which systemd is made to know by a file. */
  async write(unit: string, ...entries: string[]): Promise<void> {
    const group = `${this.#root}/${unit}`;
    await this.#host.write(`/etc/systemd/system/${unit}`, '[Service]\nExecStart=/bin/true\n');
    await this.#host.sh(`mkdir -p ${group}`);
    const { code, stderr } = await this.#host.run(['perl', '/run/lab/write.pl', group, ...entries]);
    if (code !== 0) throw new Error(stderr);
  }

  /** Begins a new file. */
  async rotate(): Promise<void> {
    await this.#host.sh(`rm -f /run/systemd/journal/rotated; kill -USR2 $(cat /run/lab/journald.pid)
      until [ -e /run/systemd/journal/rotated ]; do sleep 0.05; done`);
  }

  /** Removes the files that are not written any more. */
  async vacuum(): Promise<void> {
    await this.#host.sh('journalctl --vacuum-files=1 2>&1');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#host.sh(`kill $(cat /run/lab/journald.pid)
      find ${this.#root} -depth -type d -exec rmdir {} ';'`);
  }
}
