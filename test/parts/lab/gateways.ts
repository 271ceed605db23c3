/**
 * A host with gateways that speak BGP: FRR (zebra and bgpd) on one and BIRD on the other, each in a network namespace of its
 * own behind a switch, so that a cut beyond the switch takes no carrier from the host. Both announce default routes. The
 * host learns them by BIRD or by FRR; what lies behind the gateways is an address that both of them have.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { LabHost } from './host.ts';
import { Log } from './log.ts';

/** Further programs of the lab, for `unavailable`. */
export const BGP_PARTS = { '../lib/frr/bgpd': 'frr', bird: 'bird2', perl: 'perl' } as const;

export type Speaker = 'bird' | 'frr';

/** The network of the gateway n: 10.88.n.0/24 and 2001:db8:88:n::/64; the gateway is 1 in it, the host 2. */
export const wire = (n: number) => ({
  gateway: `10.88.${n}.1`,
  gateway6: `2001:db8:88:${n}::1`,
  host: `10.88.${n}.2`,
  host6: `2001:db8:88:${n}::2`,
});

/** What the host reaches through any of them. */
export const FAR = { ipv4: '203.0.113.1', ipv6: '2001:db8:f::1' } as const;

/** The host's own address, which it announces, and which what it sends comes from whichever way it goes. */
export const OWN = { ipv4: '10.99.0.1', ipv6: '2001:db8:99::1' } as const;

const HOST_AS = 64512;
const gatewayAs = (n: number) => 64601 + n;

/** Seconds; as short as BGP allows. */
const HOLD = 3;

/**
 * A host with a BGP daemon of its own and as many gateways as `gateways` names speakers, on its first wires. `further`: wires
 * beyond these.
 */
export async function hostWithGateways(
  own: Speaker,
  gateways: readonly Speaker[] = ['frr', 'bird'],
  further = 0,
): Promise<{ host: LabHost; gateways: Gateway[]; [Symbol.asyncDispose](): Promise<void> }> {
  const host = await LabHost.create({ interfaces: gateways.length + further });
  try {
    const all: Gateway[] = [];
    for (const [n, speaker] of gateways.entries()) all.push(await Gateway.start(host, n, speaker));
    await host.sh(`ip addr add ${OWN.ipv4}/32 dev lo; ip addr add ${OWN.ipv6}/128 dev lo nodad`);
    const peers = gateways.map((_, n) => n);
    await startSpeaker(host, own, { name: 'host', as: HOST_AS, routerId: OWN.ipv4, prefix: [], ...hostSide(peers) });
    await defaultOf(host, gateways.length);
    return { host, gateways: all, [Symbol.asyncDispose]: () => host.close() };
  } catch (error) {
    await host.close();
    throw error;
  }
}

/** Waits until the host has a default route of each family with this many next hops. */
export async function defaultOf(host: LabHost, nexthops: number): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const counts = await Promise.all(
      (['-4', '-6'] as const).map(async (family) => {
        const text = await host.sh(`ip ${family} route show default`);
        return [...text.matchAll(/\bvia \S+/g)].length;
      }),
    );
    if (counts.every((count) => count === nexthops)) return;
    if (tries === 600) {
      throw new Error(`not ${nexthops} next hops:\n${await host.sh('ip -4 route; ip -6 route; ip -d nexthop')}`);
    }
    await sleep(100);
  }
}

export class Gateway {
  readonly number: number;
  readonly name: string;
  readonly #host: LabHost;

  private constructor(host: LabHost, number: number) {
    this.#host = host;
    this.number = number;
    this.name = `gw${number}`;
  }

  static async start(host: LabHost, n: number, speaker: Speaker): Promise<Gateway> {
    const gateway = new Gateway(host, n);
    const { gateway: address, gateway6, host: own, host6 } = wire(n);
    const { name } = gateway;
    await host.sh(`ip netns add ${name}`);
    await host.sh(
      `ip link add br${n} type bridge; ip link set srv${n} master br${n}
       ip link add port${n} type veth peer name wan netns ${name}
       ip link set port${n} master br${n}
       for one in lo br${n} srv${n} port${n}; do ip link set $one up; done
       ip -n ${name} link set lo up; ip -n ${name} link set wan up
       ip -n ${name} addr add ${address}/24 dev wan; ip -n ${name} addr add ${gateway6}/64 dev wan nodad
       ip -n ${name} addr add ${FAR.ipv4}/32 dev lo; ip -n ${name} addr add ${FAR.ipv6}/128 dev lo nodad`,
      { where: 'server' },
    );
    await host.sh(
      `ip link set eth${n} up; ip addr add ${own}/24 dev eth${n}; ip addr add ${host6}/64 dev eth${n} nodad`,
    );
    await startSpeaker(host, speaker, {
      name,
      as: gatewayAs(n),
      routerId: address,
      prefix: ['ip', 'netns', 'exec', name],
      peers: [{ address: own, as: HOST_AS, default: 'announced' }],
      peers6: [{ address: host6, as: HOST_AS, default: 'announced' }],
    });
    return gateway;
  }

  /** Cuts the line beyond the switch: nothing passes, and no interface of the host notices. */
  cut(): Promise<string> {
    return this.#host.sh(`ip link set port${this.number} down`, { where: 'server' });
  }

  mend(): Promise<string> {
    return this.#host.sh(`ip link set port${this.number} up`, { where: 'server' });
  }

  /** Runs a shell script in its namespace. */
  sh(script: string): Promise<string> {
    return this.#host.sh(`ip netns exec ${this.name} sh -ec '${script}'`);
  }

  /** Answers each UDP packet to port 7 of `FAR` with its own name and what was sent. */
  async echo(): Promise<void> {
    await this.#host.write('/run/lab/echo.pl', ECHO);
    const child = this.#host.spawn(['ip', 'netns', 'exec', this.name, 'perl', '/run/lab/echo.pl', FAR.ipv4, this.name]);
    await new Log(child.stdout!).until(/^ready$/);
  }
}

const ECHO = `use IO::Socket::INET;
$| = 1;
my ($address, $name) = @ARGV;
my $socket = IO::Socket::INET->new(LocalAddr => $address, LocalPort => 7, Proto => 'udp') or die $!;
print "ready\\n";
while (defined(my $from = $socket->recv(my $data, 1500))) { $socket->send("$name $data", 0, $from) }
`;

interface Peer {
  readonly address: string;
  readonly as: number;
  /** Whether a default route goes to it, or is taken from it. */
  readonly default: 'announced' | 'taken';
}

interface SpeakerOptions {
  readonly name: string;
  readonly as: number;
  readonly routerId: string;
  /** What it is started by, in a namespace of its own. */
  readonly prefix: readonly string[];
  readonly peers: readonly Peer[];
  readonly peers6: readonly Peer[];
}

function hostSide(gateways: readonly number[]) {
  const peer = (n: number, address: string) => ({ address, as: gatewayAs(n), default: 'taken' as const });
  return {
    peers: gateways.map((n) => peer(n, wire(n).gateway)),
    peers6: gateways.map((n) => peer(n, wire(n).gateway6)),
  };
}

function startSpeaker(host: LabHost, speaker: Speaker, options: SpeakerOptions): Promise<void> {
  return speaker === 'bird' ? startBird(host, options) : startFrr(host, options);
}

/** BIRD, in the foreground. Its control socket: /run/lab/NAME.ctl. */
async function startBird(host: LabHost, { name, as, routerId, prefix, peers, peers6 }: SpeakerOptions): Promise<void> {
  const announces = peers.some((peer) => peer.default === 'announced');
  const static4 = announces ? '0.0.0.0/0 blackhole' : `${OWN.ipv4}/32 via "lo"`;
  const static6 = announces ? '::/0 blackhole' : `${OWN.ipv6}/128 via "lo"`;
  const kernel = (
    family: 'ipv4' | 'ipv6',
  ) => `protocol kernel { merge paths on; scan time 3600; ${family} { import none;
  export filter { if source != RTS_BGP then reject; ${announces ? '' : `krt_prefsrc = ${OWN[family]};`} accept; }; }; }`;
  const sessions = [...peers, ...peers6].map(
    (peer, n) => `protocol bgp peer${n} { local as ${as}; neighbor ${peer.address} as ${peer.as}; hold time ${HOLD};
  connect retry time 1; connect delay time 0; error wait time 1, 2;
  ${peer.address.includes(':') ? 'ipv6' : 'ipv4'} { import all; export where source = RTS_STATIC; }; }`,
  );
  // Further ones may come while it runs, with `birdc configure`.
  const conf = `log stderr all;
include "/run/lab/${name}.routes*";
router id ${routerId};
protocol device { scan time 1; }
protocol static { ipv4; route ${static4}; }
protocol static { ipv6; route ${static6}; }
${kernel('ipv4')}
${kernel('ipv6')}
${sessions.join('\n')}
`;
  await host.write(`/run/lab/${name}.conf`, conf);
  const args = ['-f', '-c', `/run/lab/${name}.conf`, '-s', `/run/lab/${name}.ctl`, '-P', `/run/lab/${name}.pid`];
  await new Log(host.spawn([...prefix, 'bird', ...args]).stderr!).until(/Started/);
}

/** zebra and bgpd, in the foreground, with their sockets in a folder of their own. */
async function startFrr(host: LabHost, { name, as, routerId, prefix, peers, peers6 }: SpeakerOptions): Promise<void> {
  const folder = `/run/lab/${name}`;
  const all = [...peers, ...peers6];
  const announces = all.some((peer) => peer.default === 'announced');
  const neighbours = all.flatMap(({ address, as: remote }) => [
    ` neighbor ${address} remote-as ${remote}`,
    ` neighbor ${address} timers 1 ${HOLD}`,
    ` neighbor ${address} timers connect 1`,
    ` neighbor ${address} advertisement-interval 0`,
  ]);
  const family = (name: string, some: readonly Peer[]) => [
    ` address-family ${name} unicast`,
    ...some.flatMap((peer) => [
      `  neighbor ${peer.address} activate`,
      ...(peer.default === 'announced' ? [`  neighbor ${peer.address} default-originate`] : []),
    ]),
    ...(announces ? [] : [`  network ${name === 'ipv4' ? `${OWN.ipv4}/32` : `${OWN.ipv6}/128`}`]),
    '  maximum-paths 8',
    ' exit-address-family',
  ];
  const conf = [
    `router bgp ${as}`,
    ` bgp router-id ${routerId}`,
    ' no bgp ebgp-requires-policy',
    ' no bgp default ipv4-unicast',
    ' no bgp network import-check',
    ' bgp bestpath as-path multipath-relax',
    ...neighbours,
    ...family('ipv4', peers),
    ...family('ipv6', peers6),
    'exit',
    '',
  ].join('\n');
  await host.write(`${folder}/bgpd.conf`, conf);
  await host.write(`${folder}/zebra.conf`, announces ? '' : FROM_OWN);
  await host.sh(`chown -R frr:frr ${folder}; chmod 755 /run/lab ${folder}`);
  for (const daemon of ['zebra', 'bgpd']) {
    const common = ['-f', `${folder}/${daemon}.conf`, '-z', `${folder}/zserv.api`, '-i', `${folder}/${daemon}.pid`];
    const args = [...common, '--vty_socket', folder, '-P', '0', ...(daemon === 'bgpd' ? ['-p', '179'] : [])];
    // Beside a shell: nsenter stops with its child, for ever, where a test stops a daemon for a moment.
    const beside = ['sh', '-c', '"$@" & wait $!', 'sh'];
    const child = host.spawn([...prefix, ...beside, `/usr/lib/frr/${daemon}`, ...args]);
    // It prints nothing. Its socket exists as soon as it has read its configuration.
    const log = new Log(child.stderr!);
    child.stdout!.resume();
    for (let tries = 0; !host.exists(`${folder}/${daemon}.vty`); tries += 1) {
      if (child.exitCode !== null || tries === 600)
        throw new Error(`${daemon} did not start:\n${log.lines.join('\n')}`);
      await sleep(100);
    }
  }
}

/** zebra's: routes have a source address. */
const FROM_OWN = `route-map OWN permit 10
 set src ${OWN.ipv4}
route-map OWN6 permit 10
 set src ${OWN.ipv6}
ip protocol bgp route-map OWN
ipv6 protocol bgp route-map OWN6
`;
