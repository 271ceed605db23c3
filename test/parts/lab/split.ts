/** A throw-away host whose libc asks a forwarder of its own, and two name servers on the far side. */
import assert from 'node:assert/strict';
import { NETWORKD_SETUP, networkdFiles } from '../networkd-machine.ts';
import { type CountingServer, startCountingServer } from './counting-dns.ts';
import { LabHost } from './host.ts';
import { Log } from './log.ts';
import type { LabSystem } from './system.ts';

/** The server of every name, and the server of the split domains. */
export const EVERY = '10.77.0.11';
export const CORP = '10.77.0.12';
/** What each of them answers. */
export const FROM_EVERY = '10.72.0.11';
export const FROM_CORP = '10.72.0.12';
export const SPLIT_YAML = `dns:
  nameservers: [127.0.0.1]
  split: [{ domains: [corp.example, 10.in-addr.arpa], servers: [${CORP}] }]
`;

/** A machine whose libc asks systemd-resolved. systemd-networkd owns the link, and its lease brings the server of every name. */
export const RESOLVED_MACHINE = {
  packages: ['systemd-resolved'],
  files: networkdFiles('[Network]\nDHCP=yes\n'),
  setup: NETWORKD_SETUP,
  dhcp: { lease: 20, renewEvery: 2, offers: `option domain-name-servers ${EVERY}; option routers 10.77.0.1;` },
};

export interface SplitScene extends AsyncDisposable {
  readonly host: LabHost;
  readonly every: CountingServer;
  readonly corp: CountingServer;
}

export async function splitScene(yaml = SPLIT_YAML): Promise<SplitScene> {
  const host = await LabHost.create();
  try {
    await host.sh('ip link set lo up; ip addr add 10.77.0.2/24 dev eth0; ip link set eth0 up');
    await host.sh('ip link set lo up; ip link set srv0 up; ip addr add 10.77.0.1/24 dev srv0', { where: 'server' });
    const every = await startCountingServer(host, EVERY, FROM_EVERY);
    const corp = await startCountingServer(host, CORP, FROM_CORP);
    await host.write('/etc/resolv.conf', 'nameserver 127.0.0.1\n');
    await host.write('/etc/holdfast/agent.yaml', yaml);
    return { host, every, corp, [Symbol.asyncDispose]: () => host.close() };
  } catch (error) {
    await host.close();
    throw error;
  }
}

/** As Debian's service starts it, without a cache, so that each question is counted. */
export async function startDnsmasq(host: LabHost, ...flags: string[]): Promise<void> {
  const usual = ['--conf-dir=/etc/dnsmasq.d,.dpkg-dist', '--listen-address=127.0.0.1', '--bind-interfaces'];
  const ours = ['--no-resolv', `--server=${EVERY}`, '--cache-size=0', '--bogus-priv', '--no-hosts'];
  const child = host.spawn(['dnsmasq', '-k', '--user=dnsmasq', ...usual, ...ours, '--log-facility=-', ...flags]);
  await new Log(child.stderr!).until(/started/);
}

export async function stopDnsmasq(host: LabHost): Promise<void> {
  await host.sh('p=$(pidof dnsmasq); kill $p; while kill -0 $p 2>/dev/null; do sleep 0.02; done');
}

/** As Debian's package configures it, with a server for every name. `control`: whether unbound-control may change it. */
export async function startUnbound(host: LabHost, { control = true, further = '' } = {}): Promise<void> {
  await host.sh('rm -rf /etc/unbound/unbound.conf.d; mkdir -p /etc/unbound/unbound.conf.d /run/lab/unbound');
  await host.write('/etc/unbound/unbound.conf', 'include-toplevel: "/etc/unbound/unbound.conf.d/*.conf"\n');
  await host.write(
    '/etc/unbound/unbound.conf.d/base.conf',
    `server:
  pidfile: "/run/lab/unbound/pid"
  use-syslog: no
${further}remote-control:
  control-enable: ${control ? 'yes' : 'no'}
  control-interface: /run/lab/unbound/control
forward-zone:
  name: "."
  forward-addr: ${EVERY}
`,
  );
  await runUnbound(host);
}

async function runUnbound(host: LabHost): Promise<void> {
  const child = host.spawn(['unbound', '-d']);
  await new Log(child.stderr!).until(/start of service/);
}

export async function restartUnbound(host: LabHost): Promise<void> {
  await host.sh('p=$(pidof unbound); kill $p; while kill -0 $p 2>/dev/null; do sleep 0.02; done');
  await runUnbound(host);
}

/** The answer to a question that libc asks: an address. */
export async function found(host: LabSystem, name: string): Promise<string | null> {
  const { stdout } = await host.run(['getent', 'ahostsv4', `${name}.`]);
  return /^[0-9.]+/.exec(stdout)?.[0] ?? null;
}

/** The moments of `dns.split`. */
export async function splitMoments(host: LabSystem): Promise<Record<string, { state: string; reason?: string }>> {
  const { settings } = JSON.parse((await host.run(['agent', 'status', '--json'])).stdout);
  return settings.find(({ setting }: { setting: string }) => setting === 'dns.split').moments;
}

export async function apply(host: LabHost): Promise<string> {
  const { code, stdout, stderr } = await host.agent('apply');
  assert.equal(code, 0, stdout + stderr);
  return stdout;
}
