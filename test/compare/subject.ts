/** The hosts that are changed: each has a dhclient with the old servers, all of which answer, and leases by a real DHCP server. */
import { connect, Dhclient, type DhcpServer, startDhcpServer, startNameServer } from '../lab/dhcp.ts';
import { LabHost } from '../lab/host.ts';
import { NEW, OLD, OLD_DHCLIENT_CONF } from '../lab/scene.ts';
import type { LabSystem } from '../lab/system.ts';
import { Machine } from '../systems/machine.ts';
import { ADDRESS, NAME } from './change.ts';
import { RIVALS } from './ways.ts';

/** Seconds until the first renewal: the change is made before. */
const QUIET = { quick: 15, slow: 40 } as const;

export interface Subject extends AsyncDisposable {
  /** What is changed. */
  readonly system: LabSystem;
  /** Where the far side of its wire is. */
  readonly outside: LabHost;
  /** Leases that have been taken so far. */
  leases(): number;
  /** From now on a lease is renewed every second; until `count` of them were. */
  renewals(count: number): Promise<void>;
  /** The old name servers are shut down. */
  shutOldServers(): Promise<void>;
  /** Its next start. */
  restart(): Promise<void>;
}

/** Behind the default route. */
export const BEYOND = '10.99.0.1';

/** A Debian 12 that boots, with all the tools; `restart` is a reboot. */
export async function bootedSubject({ slow = false } = {}): Promise<Subject & { readonly system: Machine }> {
  const machine = await Machine.boot({
    release: 'bookworm',
    packages: RIVALS,
    files: { '/etc/dhcp/dhclient.conf': OLD_DHCLIENT_CONF },
    // Nobody shall run them but we.
    setup: 'for unit in puppet cfengine3 cf-execd cf-serverd cf-monitord; do systemctl mask $unit.service; done',
    dhcp: { renewEvery: QUIET[slow ? 'slow' : 'quick'] },
  });
  await machine.installAgent();
  const leases = leasesBy(machine.outside, machine.server!);
  const leave = () => machine.close();
  return {
    system: machine,
    ...(await farSide(machine.outside)),
    ...leases,
    restart: () => machine.reboot(),
    [Symbol.asyncDispose]: leave,
  };
}

/** A throw-away host without systemd, for a short row; `restart` is one of dhclient, after the address is lost. */
export async function labSubject(): Promise<Subject> {
  const host = await LabHost.create();
  await host.write('/etc/dhcp/dhclient.conf', OLD_DHCLIENT_CONF);
  await connect(host);
  const server = await startDhcpServer(host, { renewEvery: QUIET.slow });
  let client = Dhclient.start(host);
  await client.leased();
  const restart = async () => {
    await client.kill();
    await host.sh('ip addr flush dev eth0');
    client = Dhclient.start(host);
    await client.leased();
  };
  return {
    system: host,
    ...(await farSide(host)),
    ...leasesBy(host, server),
    restart,
    [Symbol.asyncDispose]: () => host.close(),
  };
}

async function farSide(outside: LabHost) {
  await outside.sh(`ip addr add ${BEYOND}/32 dev lo`, { where: 'server' });
  const old = await Promise.all(OLD.map((address) => startNameServer(outside, address, { [NAME]: ADDRESS })));
  for (const address of NEW) await startNameServer(outside, address, { [NAME]: ADDRESS });
  const shutOldServers = async () => {
    for (const server of old) await server.stop();
    for (const address of OLD) await outside.sh(`ip addr del ${address}/32 dev srv0`, { where: 'server' });
  };
  return { outside, shutOldServers };
}

function leasesBy(outside: LabHost, first: DhcpServer) {
  let server = first;
  let quiet = true;
  const renewals = async (count: number) => {
    if (quiet) {
      await server.stop();
      server = await startDhcpServer(outside, { renewEvery: 1 });
      quiet = false;
    }
    let from = server.log.lines.length;
    // It asks for a further one when it is done with the last.
    for (let n = 0; n <= count; n++) from = (await server.log.indexOf(ACK, from)) + 1;
  };
  return { leases: () => server.log.count(ACK), renewals };
}

const ACK = /^DHCPACK/;
