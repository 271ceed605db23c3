/**
 * `dhcp.restart: whenSafe` for systemd-networkd: restarts it for settings that it reads only at its start. Before that,
 * each lease is renewed, so the server has just answered. On any doubt it runs on as it is.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { DHCP_DROP_INS, keptDropIn, keptNames } from '../clients/networkd/drop-in.ts';
import { pendingWithNetworkd } from '../clients/networkd/kept-dhcp.ts';
import { leasedAddress, leaseFileOf, type NetworkdLink, networkdLinks } from '../clients/networkd/managed-links.ts';
import type { DesiredState } from '../config/desired.ts';
import type { Host } from '../host/host.ts';
import { type Network, networkAround } from '../rehearse/network.ts';
import { lossOf, putBack } from './loss.ts';
import { restartDoubt } from './networkd-doubts.ts';
import type { RestartResult } from './restart.ts';
import { noteRestart, waitFor } from './under-way.ts';

/** Milliseconds for a server that answers, and for links that have a lease again. */
const ANSWER_WITHIN = 10_000;
const CONFIGURED_WITHIN = 30_000;
const LOOK_EVERY = 100;

/** Empty if nothing is pending. */
export async function restartNetworkd(host: Host, desired: DesiredState): Promise<RestartResult[]> {
  const [process] = host.processes('systemd-network', 'network');
  if (process === undefined) return [];
  const pending = await pendingWithNetworkd(host, desired);
  if (pending.length === 0) return [];
  const client = `systemd-networkd[${process.pid}]`;
  const links = networkdLinks(host);
  const interfaces = links.map(({ name }) => name);
  const change = changeOf(host);
  const doubt =
    triedAlready(host, interfaces, change) ?? restartDoubt(host, desired, links) ?? (await unanswered(host, links));
  if (doubt !== null)
    return [{ kind: 'postponed', client, body: `not started again for ${pending.join(', ')}: ${doubt}` }];
  const networks = interfaces.map((name) => ofLease(networkAround(host, name)));
  const leased = links.flatMap((link) => leasedAddress(host, link) ?? []);
  const began = Date.now();
  noteRestart(host, interfaces, change, began);
  const { status, stderr, error } = host.run('systemctl', ['restart', 'systemd-networkd.service']);
  if (status !== 0) return [{ kind: 'failed', client, body: `cannot be restarted: ${error ?? stderr.trim()}` }];
  const late = await notLeased(host, links, began);
  const loss = lossOf(host, { interfaces, networks, leased, resolvConf: null, began });
  if (loss !== null) {
    const failed = putBack(host, loss);
    const fate = failed === null ? 'put back' : `not put back (${failed})`;
    return [{ kind: 'failed', client, body: `its restart lost ${loss.lines.join(', ')}: ${fate}` }];
  }
  if (late.length > 0)
    return [
      { kind: 'failed', client, body: `${late.join(', ')} has no new lease yet; addresses and routes are as before` },
    ];
  return [
    { kind: 'restarted', client, body: `started again for ${pending.join(', ')}; addresses and routes are as before` },
  ];
}

/** A restart that brought no setting into force is not repeated: not twice for the same drop-ins in an hour. */
function triedAlready(host: Host, interfaces: readonly string[], change: string): string | null {
  const wait = waitFor(host, interfaces, change, Date.now());
  return wait > 0 ? `a restart for this was tried already; not again for ${Math.ceil(wait / 60_000)} min` : null;
}

function changeOf(host: Host): string {
  const texts = keptNames(host, DHCP_DROP_INS).map((name) => host.readText(keptDropIn(name, DHCP_DROP_INS)));
  return ['systemd-networkd', ...texts].join('\n');
}

/** Renews each lease. A sentence if one of the servers does not answer. */
async function unanswered(host: Host, links: readonly NetworkdLink[]): Promise<string | null> {
  for (const link of links.filter((one) => leaseTime(host, one) !== null)) {
    const before = leaseTime(host, link);
    const { status, stderr, error } = host.run('networkctl', ['renew', link.name]);
    if (status !== 0) return `the lease of ${link.name} cannot be renewed: ${error ?? stderr.trim()}`;
    // A lease that ends meanwhile has no file either, and no server answered.
    const isRenewed = await within(ANSWER_WITHIN, () => (leaseTime(host, link) ?? before) !== before);
    if (!isRenewed) return `no DHCP server answers on ${link.name}`;
  }
  return null;
}

/** The links, with a lease before, that have none from the new systemd-networkd. */
async function notLeased(host: Host, links: readonly NetworkdLink[], began: number): Promise<string[]> {
  const missing = () =>
    links.filter((link) => {
      const isReady = /^ADMIN_STATE=configured$/m.test(host.readText(link.state) ?? '');
      return !isReady || (link.leased && (leaseTime(host, link) ?? 0) < began);
    });
  await within(CONFIGURED_WITHIN, () => missing().length === 0);
  return missing().map(({ name }) => name);
}

/** When systemd-networkd wrote the lease, in milliseconds since the epoch; null if there is none. */
function leaseTime(host: Host, link: NetworkdLink): number | null {
  return host.stat(leaseFileOf(link))?.mtimeMs ?? null;
}

/**
 * Without routes that may rightly change: systemd-networkd has a route of its own to each server that a lease names, and
 * 252 makes the route to its own network anew, with another metric.
 */
function ofLease(network: Network): Network {
  const mayChange = ({ protocol, scope, destination }: Network['routes'][number]) =>
    protocol === 'kernel' || (protocol === 'dhcp' && scope === 'link' && !destination.includes('/'));
  return { ...network, routes: network.routes.filter((route) => !mayChange(route)) };
}

async function within(milliseconds: number, done: () => boolean): Promise<boolean> {
  for (const deadline = Date.now() + milliseconds; Date.now() < deadline; await sleep(LOOK_EVERY)) {
    if (done()) return true;
  }
  return done();
}
