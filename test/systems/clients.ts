/**
 * What is the same for every DHCP client of a booted machine: the server's control, then `dns` held by apply through leases, a
 * reboot and a trampler, without a packet lost, and given back by revert.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type DhcpServer, startDhcpServer } from '../parts/lab/dhcp.ts';
import { AGENT_YAML, NEW, nameservers, OLD } from '../parts/lab/scene.ts';
import { watchFile, watchPings } from '../parts/lab/watch.ts';
import { REPOSITORY } from '../parts/repository.ts';
import { Machine, type MachineOptions } from './machine.ts';

/** Both share one tree, because another list of packages takes a minute to install. */
export const PACKAGES = {
  bookworm: ['dhcpcd', 'libpam-systemd', 'network-manager'],
  trixie: ['dhcpcd', 'network-manager'],
} as const;
export type Release = keyof typeof PACKAGES;
export const RELEASES = Object.keys(PACKAGES) as Release[];

const LATER = ['10.77.0.31', '10.77.0.32'];
const RESOLV_CONF = '/etc/resolv.conf';

export interface Client {
  /** The name of its service, without `.service`. */
  readonly unit: 'dhcpcd' | 'NetworkManager';
  readonly files?: Readonly<Record<string, string>>;
  /** Seconds of the lease. NetworkManager ignores the server's renewal time. */
  readonly lease: number;
  readonly renewEvery?: number;
}

type Offer = { servers: readonly string[]; domain: string };

function dhcp({ lease, renewEvery }: Client, { servers, domain }: Offer) {
  const offers = `option domain-name-servers ${servers.join(', ')}; option domain-name "${domain}";`;
  return { lease, offers, ...(renewEvery === undefined ? {} : { renewEvery }) };
}

/** With `eth0` left to the client, which has its lease. */
export async function bootWith(release: Release, client: Client): Promise<Machine> {
  const [other] = ['dhcpcd', 'NetworkManager'].filter((unit) => unit !== client.unit);
  const options: MachineOptions = {
    release,
    packages: PACKAGES[release],
    files: {
      '/etc/network/interfaces': 'auto lo\niface lo inet loopback\n',
      '/etc/holdfast/agent.yaml': AGENT_YAML,
      ...client.files,
    },
    // A machine has no udevd that could name its interfaces, for which dhcpcd would wait; nor are its pauses of any interest.
    setup: `sed -i '1i nodev\\nnoarp\\nnodelay' /etc/dhcpcd.conf; systemctl mask ${other}; systemctl enable ${client.unit}; chmod -R go= /etc/NetworkManager/system-connections`,
    dhcp: dhcp(client, { servers: OLD, domain: 'old.example.com' }),
  };
  return Machine.boot({
    ...options,
    async ready(machine) {
      await until(machine, RESOLV_CONF, OLD[0]);
      await machine.installAgent();
    },
  });
}

export async function until(machine: Machine, file: string, text: string): Promise<void> {
  await machine.sh(`timeout 60 sh -c 'until grep -qs "${text}" ${file}; do sleep 0.1; done'`);
}

const servers = async (machine: Machine) => nameservers(await machine.read(RESOLV_CONF));

/** With a server that from now on says something else. */
export async function moveServers(machine: Machine, client: Client, offer: Offer): Promise<DhcpServer> {
  await machine.server!.stop();
  return startDhcpServer(machine.outside, dhcp(client, offer));
}

/** The whole life; one boot and one reboot. */
export async function heldOn(
  machine: Machine,
  client: Client,
  t: TestContext,
  afterRevert?: () => Promise<unknown>,
): Promise<void> {
  // The control: another program's change stays until the next lease that brings anything new.
  await machine.sh(`printf 'nameserver %s\\n' ${NEW.join(' ')} >${RESOLV_CONF}`);
  let server = await moveServers(machine, client, { servers: OLD, domain: 'older.example.com' });
  await until(machine, RESOLV_CONF, 'older.example.com');
  assert.deepEqual(await servers(machine), OLD);

  const address = /inet (\S+?)\//.exec(await machine.sh('ip -4 -o addr show dev eth0'))![1]!;
  const pings = await Promise.all([
    watchPings(machine.outside, address, 'server'),
    watchPings(machine, '10.77.0.1', 'host'),
  ]);
  await machine.sh('agent apply');
  assert.deepEqual(await servers(machine), NEW);
  assert.match(await machine.sh('agent apply'), /as wanted/, 'the second one changes nothing');
  const watch = await watchFile(machine, RESOLV_CONF);
  await machine.leased(2, server);
  await server.stop();
  server = await startDhcpServer(machine.outside, dhcp(client, { servers: LATER, domain: 'later.example.com' }));
  await machine.leased(2, server);
  const { wrongMs, emptyMs, absentMs, changes } = await watch.stop();
  t.diagnostic(`4 leases and more: ${wrongMs} ms wrong, ${emptyMs} ms empty, ${changes} changes`);
  assert.deepEqual({ wrongMs, emptyMs, absentMs, changes }, { wrongMs: 0, emptyMs: 0, absentMs: 0, changes: 0 });

  await heals(machine);
  await machine.leased(1, server);
  assert.deepEqual(await servers(machine), NEW);
  const seen = await Promise.all(pings.map((one) => one.stop()));
  t.diagnostic(`${seen.map(({ answered }) => answered).join(' + ')} pings answered`);
  assert.deepEqual(
    seen.map(({ lost }) => lost),
    [0, 0],
  );

  await machine.reboot();
  await machine.leased(1, server);
  assert.deepEqual(await servers(machine), NEW);
  assert.equal((await machine.run(['agent', 'plan'])).code, 0);

  const { code, stdout, stderr } = await machine.run(['agent', 'revert']);
  assert.equal(code, 0, stdout + stderr);
  await afterRevert?.();
  await moveAgain(machine, client, server);
  assert.deepEqual(await servers(machine), OLD);
}

/** After `revert` it is the client's again. */
async function moveAgain(machine: Machine, client: Client, server: DhcpServer): Promise<void> {
  await server.stop();
  await startDhcpServer(machine.outside, dhcp(client, { servers: OLD, domain: 'last.example.com' }));
  await until(machine, RESOLV_CONF, 'last.example.com');
}

/** The daemon as a service: another program's change lasts a moment. */
async function heals(machine: Machine): Promise<void> {
  await machine.copy(join(REPOSITORY, 'units/holdfast.service'), '/run/systemd/system/holdfast.service', 0o644);
  await machine.sh('systemctl daemon-reload; systemctl start holdfast.service');
  await machine.sh(`echo nameserver 192.0.2.66 >${RESOLV_CONF}`);
  await until(machine, RESOLV_CONF, NEW[0]);
  assert.deepEqual(await servers(machine), NEW);
  await machine.sh('systemctl stop holdfast.service');
}
