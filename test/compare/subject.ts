/** The hosts that are changed: each has a dhclient with the old servers, all of which answer, and leases by a real DHCP server. */
import { connect, Dhclient, type DhcpServer, startDhcpServer, startNameServer } from '../parts/lab/dhcp.ts';
import { LabHost } from '../parts/lab/host.ts';
import { NEW, OLD, OLD_DHCLIENT_CONF } from '../parts/lab/scene.ts';
import type { LabSystem } from '../parts/lab/system.ts';
import { Machine } from '../systems/machine.ts';
import { ADDRESS, NAME, resolvConf } from './change.ts';
import { RIVALS, type Way } from './ways.ts';

/**
 * No renewal may fall into the change. Where the client itself is left alone by it, it is stopped (SIGSTOP) meanwhile and
 * renews as soon as it is let go. Where it takes a new lease in it, the lease before is a long one. What cannot be stopped
 * (systemd-networkd, which resolvectl asks; a child of nsenter, which stops along with it and for good) gets a first lease
 * that is long enough for a quick tool.
 */
export const FIRST_LEASE = { stopped: { renewEvery: 1 }, long: { lease: 3600 }, waiting: { renewEvery: 40 } } as const;
export type Quiet = keyof typeof FIRST_LEASE;

export const quietFor = ({ restarts }: Pick<Way, 'restarts'>): Quiet => (restarts ? 'long' : 'stopped');

export interface Subject extends AsyncDisposable {
  /** The system that is changed. */
  readonly system: LabSystem;
  /** The file that its C library or its resolver reads name servers from, and the wanted text. */
  readonly resolvConf: { readonly file: string; readonly wanted: string };
  /** The host at the far side of its wire. */
  readonly outside: LabHost;
  /** From now on no lease is renewed. */
  begin(): Promise<void>;
  /** Whether one was nevertheless: unless the way itself takes a lease, nothing that was seen is of use then. */
  disturbed(): boolean;
  /** From now on a lease is renewed every second; until `count` of them were, and the next one begins. */
  renewals(count: number): Promise<void>;
  /** The old name servers are shut down. */
  shutOldServers(): Promise<void>;
  /** Starts it again. */
  restart(): Promise<void>;
}

/** Behind the default route. */
export const BEYOND = '10.99.0.1';

/** A Debian 12 that boots, with all the tools; `restart` is a reboot. */
export async function bootedSubject(quiet: Quiet): Promise<Subject & { readonly system: Machine }> {
  const machine = await Machine.boot({
    release: 'bookworm',
    packages: RIVALS,
    files: { '/etc/dhcp/dhclient.conf': OLD_DHCLIENT_CONF },
    // Nobody shall run them but we.
    setup: 'for unit in puppet cfengine3 cf-execd cf-serverd cf-monitord; do systemctl mask $unit.service; done',
    dhcp: FIRST_LEASE[quiet],
  });
  await machine.installAgent();
  const leases = leasesBy(machine, machine.outside, machine.server!, quiet);
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
export async function labSubject(quiet: Quiet = 'waiting'): Promise<Subject> {
  const host = await LabHost.create();
  await host.write('/etc/dhcp/dhclient.conf', OLD_DHCLIENT_CONF);
  await connect(host);
  const server = await startDhcpServer(host, FIRST_LEASE[quiet]);
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
    ...leasesBy(host, host, server, quiet),
    restart,
    [Symbol.asyncDispose]: () => host.close(),
  };
}

/** Behind it: name servers old and new, and an address to ping. */
export async function farSide(outside: LabHost) {
  await outside.sh(`ip addr add ${BEYOND}/32 dev lo`, { where: 'server' });
  const old = await Promise.all(OLD.map((address) => startNameServer(outside, address, { [NAME]: ADDRESS })));
  for (const address of NEW) await startNameServer(outside, address, { [NAME]: ADDRESS });
  const shutOldServers = async () => {
    for (const server of old) await server.stop();
    for (const address of OLD) await outside.sh(`ip addr del ${address}/32 dev srv0`, { where: 'server' });
  };
  return { outside, shutOldServers, resolvConf: { file: '/etc/resolv.conf', wanted: resolvConf() } };
}

/** @param first the server until the first renewal is over. */
export function leasesBy(system: LabSystem, outside: LabHost, first: DhcpServer, quiet: Quiet, { offers = '' } = {}) {
  let server = first;
  let hurried = false;
  let before = 0;
  const hurry = async () => {
    hurried = true;
    await server.stop();
    server = await startDhcpServer(outside, { renewEvery: 1, offers });
  };
  const begin = async () => {
    if (quiet === 'stopped') await system.sh(`kill -STOP $(pidof dhclient); sleep 0.5`); // for a script that runs already
    if (quiet === 'long') await hurry();
    before = server.log.count(ACK);
  };
  const renewals = async (count: number): Promise<void> => {
    if (quiet === 'waiting' && !hurried) await hurry();
    let from = server.log.lines.length;
    if (quiet === 'stopped') await system.sh(`kill -CONT $(pidof dhclient)`);
    // It asks for a further one when it is done with the last.
    for (let n = 0; n <= count; n++) from = (await server.log.indexOf(ACK, from)) + 1;
  };
  const disturbed = () => server.log.count(ACK) > before;
  return { begin, renewals, disturbed };
}

const ACK = /^DHCPACK/;
