/** Other hosts and ports around a host on trial, beside its routers and its collector. */
import { COLLECTOR, COLLECTOR_NAME, type ConfirmScene } from './confirm-scene.ts';

/** A host `behind` this one, as its router, which sends heartbeats to the collector. */
export async function hostBehind(scene: ConfirmScene): Promise<void> {
  const { host } = scene;
  await host.sh(
    `ip netns add behind
     ip link add lan0 type veth peer name eth0 netns behind
     ip -n behind link set lo up; ip -n behind link set eth0 up; ip link set lan0 up
     ip addr add 10.60.7.1/24 dev lan0; ip -n behind addr add 10.60.7.2/24 dev eth0
     ip -n behind route add default via 10.60.7.1 mtu 1400
     sysctl -qw net.ipv4.ip_forward=1`,
  );
  await scene.router('ip route add 10.60.7.0/24 via 10.60.0.2');
  await host.write(
    '/run/lab/behind.yaml',
    `report: { endpoint: "https://${COLLECTOR_NAME}:4318", ca: /etc/holdfast/ca.pem, token-file: /etc/holdfast/token, interval: 1s }
sysctl: { net.ipv4.conf.eth0.accept_redirects: 1 }
`,
  );
  await host.write('/run/lab/behind.hosts', `127.0.0.1 localhost\n${COLLECTOR.ipv4} ${COLLECTOR_NAME}\n`);
  await host.write(
    '/run/lab/behind.sh',
    `set -e
     hostname behind
     for folder in /var/lib/holdfast /run/holdfast /etc/sysctl.d; do mkdir -p $folder; mount -t tmpfs none $folder; done
     mount --bind /run/lab/behind.yaml /etc/holdfast/agent.yaml
     exec agent run`,
  );
  await host.sh('mkdir -p /var/lib/holdfast /run/holdfast; touch /etc/holdfast/agent.yaml');
  host.spawn([
    'ip',
    'netns',
    'exec',
    'behind',
    'unshare',
    '--mount',
    '--uts',
    '--pid',
    '--fork',
    '--mount-proc',
    'sh',
    '/run/lab/behind.sh',
  ]);
  const known = `curl -s --cacert /etc/holdfast/ca.pem -H 'Authorization: Bearer lab-token' 'https://${COLLECTOR_NAME}:4318/api/v1/hosts'`;
  await host.sh(`for try in $(seq 300); do ${known} | grep -q behind && exit 0; sleep 0.2; done; exit 1`);
}

/** This host accepts connections at port 2222. */
export async function portListens({ host }: ConfirmScene): Promise<void> {
  const listener = "require('node:net').createServer().listen(2222, () => console.log('listens'))";
  const listening = host.spawn([process.execPath, '-e', listener]);
  await new Promise((resolve) => listening.stdout!.once('data', resolve));
}

/**
 * The same port; but connections to it, and to the port after it, which the collector's side watches, come by the second
 * wire, as from a firewall that balances.
 */
export async function inboundApart(scene: ConfirmScene): Promise<void> {
  await portListens(scene);
  await scene.router(`ip rule add dport 2222-2223 lookup 22; ip route add default via 10.60.1.2 dev srv1 table 22`);
}

/** The same in IPv6. The second wire has no other address than its own of the link, which the kernel makes again. */
export async function inboundApart6(scene: ConfirmScene): Promise<void> {
  await portListens(scene);
  await scene.host.sh(`sysctl -qw net.ipv6.conf.eth1.accept_dad=0
    ip link set eth1 down; ip link set eth1 up
    until ip -6 addr show dev eth1 scope link -tentative | grep -q fe80; do sleep 0.02; done`);
  const link = (await scene.host.sh("ip -6 -o addr show dev eth1 scope link | awk '{print $4}' | cut -d/ -f1")).trim();
  await scene.router(`ip -6 rule add dport 2222-2223 lookup 22; ip -6 route add default via ${link} dev srv1 table 22`);
}
