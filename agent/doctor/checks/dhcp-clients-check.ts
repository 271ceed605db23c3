/** The running DHCP clients: whether the hooks and dhclient.conf reach them, and whether they disturb each other. */

import { holderName } from '../../clients/client.ts';
import { contests } from '../../clients/contests.ts';
import { type Script, scriptOf, scriptsInUse } from '../../clients/dhclient/dhclient-scripts.ts';
import { hookPlaces, whyDeaf } from '../../clients/dhclient/hooks/hook-places.ts';
import { dhclientIdle } from '../../clients/dhclient/idle.ts';
import { clientName, dhcpClients, type RunningDhclient, staleSince } from '../../clients/dhclient/running.ts';
import { scriptDoubts } from '../../clients/dhclient/script/script-verdict.ts';
import { writtenIn } from '../../clients/dhclient/written-in.ts';
import { leaseHolders } from '../../clients/holders.ts';
import type { ConfiguredState } from '../../config/desired.ts';
import { dnsSettingOf } from '../../config/notation/dns-options.ts';
import type { Host } from '../../host/host.ts';
import { isoTime } from '../../host/iso-time.ts';
import type { DoctorObservation, DoctorSurroundings } from '../doctor-check.ts';

/** By comm. */
export const DHCP_DAEMONS = ['pump'] as const;

export function* dhcpClientsCheck(around: DoctorSurroundings): Iterable<DoctorObservation> {
  const { host, desired } = around;
  const clients = dhcpClients(host);
  if (hookPlaces(host) === null && clients.length === 0) {
    yield { code: 'HF-DHCLIENT-ABSENT', seen: 'this host has neither dhclient-script nor a folder for its hooks' };
  }
  yield* twice(clients);
  for (const { where, by } of contests(leaseHolders(host))) {
    const names = by.map(({ program, pid }) => `${program}[${pid}]`);
    yield { code: 'HF-LEASE-CONTESTED', seen: `${names.join(' and ')} serve ${where}` };
  }
  const holdsDns = desired === null || desired.dns !== null;
  for (const client of clients) yield* one(host, client, holdsDns);
  if (clients.length === 0) {
    for (const script of scriptsInUse(host))
      yield* scriptSeen(host, 'the next dhclient', script, script.family, holdsDns);
  }
  yield* others(around);
}

/** Clients that ISC dhclient's settings do not reach. */
function* others({ host, desired, daemons }: DoctorSurroundings): Iterable<DoctorObservation> {
  // On most hosts only `dns` is configured, which Holdfast holds with these programs as well.
  if (desired === null || hasOwnSettings(desired)) {
    for (const holder of leaseHolders(host)) {
      const { program, interfaces, only6 = [] } = holder;
      // systemd-networkd is often used only for its other tasks or for IPv6, and then holds no lease of dhclient's.
      if (program === 'dhclient' || interfaces.length === only6.length) continue;
      yield {
        code: 'HF-DHCP-OTHER',
        seen: `${holderName(holder)} holds the lease, and the settings under \`dhclient\` do not reach it`,
        severity: desired !== null && dhclientIdle(host, () => leaseHolders(host)) ? 'warning' : 'note',
      };
    }
  }
  for (const name of DHCP_DAEMONS) {
    const pid = daemons.get(name);
    if (pid !== undefined)
      yield { code: 'HF-DHCP-OTHER', seen: `${name}[${pid}] runs, and Holdfast holds nothing with it` };
  }
}

/** Whether `dhclient` has settings of its own, besides those of `dns` and `dhcp`. */
function hasOwnSettings(desired: ConfiguredState): boolean {
  const { global, interfaces } = desired.dhclient;
  return [[null, global] as const, ...interfaces].some(([name, { supersede, request, ignore }]) => {
    const parts = [
      ...[...supersede.keys()].filter((option) => dnsSettingOf(option) === null).map((option) => `supersede.${option}`),
      ...(request?.without ?? []).map((option) => `request.without.${option}`),
      ...(request?.also ?? []).map((option) => `request.also.${option}`),
      ...(ignore.length > 0 ? ['ignore'] : []),
    ];
    return parts.some((part) => writtenIn(desired, name, part) === 'dhclient');
  });
}

function* twice(clients: readonly RunningDhclient[]): Iterable<DoctorObservation> {
  for (const [index, client] of clients.entries()) {
    for (const other of clients.slice(index + 1)) {
      if (client.family !== other.family) continue;
      const all = client.interfaces.length === 0 || other.interfaces.length === 0;
      const shared = client.interfaces.filter((name) => other.interfaces.includes(name));
      if (!all && shared.length === 0) continue;
      const where = shared.length > 0 ? shared.join(', ') : 'an interface that one of them names';
      yield {
        code: 'HF-DHCLIENT-TWICE',
        seen: `dhclient[${client.pid}] and dhclient[${other.pid}] serve IPv${client.family} on ${where}`,
      };
    }
  }
}

function* one(host: Host, client: RunningDhclient, holdsDns: boolean): Iterable<DoctorObservation> {
  const name = clientName(client);
  const { confFile, owner } = client;
  if (owner !== null) {
    yield { code: 'HF-DHCLIENT-OWNER', seen: `${name} is run by ${owner}, with ${confFile}` };
    return;
  }
  const script = scriptOf(host, client);
  if (script !== null) yield* scriptSeen(host, name, script, client.family, holdsDns);
  // A path relative to dhclient's working directory cannot be resolved here.
  if (!confFile.startsWith('/')) return;
  if (host.stat(confFile) === null) yield { code: 'HF-DHCLIENT-CONF', seen: `${name} was started with ${confFile}` };
  const since = staleSince(host, client);
  if (since === null) return;
  yield {
    code: 'HF-DHCLIENT-STALE',
    seen: `${name} runs since ${isoTime(client.started)}; ${confFile} was changed at ${isoTime(since)}`,
  };
}

function* scriptSeen(
  host: Host,
  who: string,
  { path, named }: Script,
  family: 4 | 6,
  holdsDns: boolean,
): Iterable<DoctorObservation> {
  const places = hookPlaces(host);
  const why = whyDeaf(host, path, places);
  const runs = `${who} runs ${path}${named === null ? '' : `, as ${named} says`}, which `;
  if (why !== null || places === null) {
    if (why !== null) yield { code: 'HF-DHCLIENT-SCRIPT', seen: runs + why };
    return;
  }
  for (const doubt of scriptDoubts(host, path, places, family)) {
    const seen = runs + doubt.why;
    if (doubt.about === 'dns' && !holdsDns) continue;
    if (doubt.about === 'dns') yield { code: doubt.certain ? 'HF-SCRIPT-WRITES' : 'HF-SCRIPT-UNKNOWN', seen };
    else if (!doubt.certain) yield { code: 'HF-SCRIPT-UNKNOWN', seen };
    else yield { code: 'HF-DHCLIENT-SCRIPT', seen, ...(doubt.about === 'routes' ? { severity: 'warning' } : {}) };
  }
}
