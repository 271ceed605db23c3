/**
 * What the real dhclient makes of configuration files: for each it asks a real DHCP server for a lease in a private
 * network namespace, with a script that only notes its environment. Everything lives below one shell that is the first
 * process of its own process namespace: it ends with this process, and takes dnsmasq, dhclient and the interfaces along.
 */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface Probe {
  readonly text: string;
  /** `eth9` does not exist, so dhclient only reads the file. */
  readonly iface: 'eth0' | 'eth1' | 'eth9';
}

export interface Probed {
  /** dhclient's complaints about the file, each with its line. */
  readonly errors: readonly string[];
  /** The script's environment at BOUND; empty if no lease was taken. */
  readonly env: ReadonlyMap<string, string>;
  /** DHCPv4 option names as the environment spells them: `domain_name_servers`. */
  readonly requested: ReadonlySet<string>;
  /** What this dhclient went about to configure. */
  readonly interfaces: ReadonlySet<string>;
}

/** Why this machine cannot do it; null if it can. */
export function cannotProbe(): string | null {
  if (process.getuid?.() !== 0) return 'not root: a network namespace is needed';
  const missing = ['/sbin/dhclient', '/usr/sbin/dnsmasq', '/sbin/ip', '/usr/bin/unshare'].filter(
    (path) => !existsSync(path),
  );
  return missing.length ? `missing: ${missing.join(', ')}` : null;
}

/** `includes` are files that the texts name as `@DIR@/NAME`. */
export async function probe(
  probes: readonly Probe[],
  includes: Readonly<Record<string, string>> = {},
): Promise<Probed[]> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-conf-'));
  try {
    const file = (name: string | number, text: string) => writeFile(join(folder, String(name)), text, 'latin1');
    for (const [name, text] of Object.entries(includes)) await file(name, text);
    for (const [id, { text }] of probes.entries()) {
      // There is only one server: waiting for offers of others would take all the time.
      const impatient = text.replace(/^(select-timeout\s+)\d+/m, (_, word) => `${word}0`);
      await file(`${id}.conf`, impatient.replaceAll('@DIR@', folder));
    }
    for (const lane of ['eth0', 'eth1', 'eth9'])
      await file(lane, probes.map(({ iface }, id) => (iface === lane ? `${id}\n` : '')).join(''));
    await writeFile(join(folder, 'note'), NOTE, { mode: 0o755 });
    await promisify(execFile)('unshare', [...NAMESPACES, 'sh', '-euc', LAB, 'sh', folder]);
    const read = (name: string) => (existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'latin1') : '');
    return probes.map((_, id) => resultOf(read(`${id}.log`), read(`${id}.env`)));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const NAMESPACES = ['--net', '--mount', '--pid', '--fork', '--kill-child'];

/** The server offers an answer of its own to everything that the tests want otherwise. */
const LAB = `
cd "$1"
ip link set lo up
for n in 0 1; do
  ip link add eth$n type veth peer name server$n
  ip addr add 10.99.$n.1/24 dev server$n
  ip link set server$n up
  ip link set eth$n up
done
dnsmasq --no-daemon --conf-file=/dev/null --port=0 --user=root --pid-file= --leasefile-ro --no-ping --dhcp-authoritative \
  --dhcp-range=10.99.0.10,10.99.0.250,1h --dhcp-range=10.99.1.10,10.99.1.250,1h \
  --dhcp-option-force=6,192.0.2.201 --dhcp-option-force=15,offered.example --dhcp-option-force=119,offered.example \
  --dhcp-option-force=42,192.0.2.202 >server.log 2>&1 &
until grep -q 'DHCP, IP range 10.99.1' server.log; do sleep 0.02; done
lane() {
  while read -r id; do
    : >$1.leases
    timeout 20 dhclient -4 -d -1 --no-pid -sf "$PWD/note" -e WANTED=$1 -e NOTE="$PWD/$id.env" \
      -cf $id.conf -lf $1.leases $1 >$id.log 2>&1 || :
  done <$1
}
lane eth0 &
lanes=$!
lane eth1
lane eth9
wait $lanes
`;

/** A dhclient also configures what its file names: only the interface that is asked about is of interest. */
const NOTE = `#!/bin/sh
[ "$interface" = "$WANTED" ] || exit 0
case $reason in
BOUND | REBOOT)
    env >"$NOTE"
    kill -9 $PPID
    ;;
FAIL | TIMEOUT) kill -9 $PPID ;;
esac
`;

function resultOf(log: string, noted: string): Probed {
  const env = new Map(
    noted.split('\n').flatMap((line) => {
      const at = line.indexOf('=');
      return at > 0 ? [[line.slice(0, at), line.slice(at + 1)] as const] : [];
    }),
  );
  return {
    errors: log.split('\n').filter((line) => / line \d+: /.test(line)),
    env,
    interfaces: new Set([...log.matchAll(/^Listening on LPF\/([^/]+)\//gm)].map((match) => match[1]!)),
    requested: new Set([...env.keys()].filter((name) => name.startsWith('requested_')).map((name) => name.slice(10))),
  };
}
