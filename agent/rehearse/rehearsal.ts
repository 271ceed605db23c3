/**
 * Plays a lease event on a stage (script-stage.ts) with the real dhclient-script and the real hooks, to see what the event
 * would change. The host itself is not changed.
 */
import { ipAddress } from '../address/address-checks.ts';
import { ownDhclientScript } from '../clients/dhclient/dhclient-scripts.ts';
import { hookPlaces, whyDeaf } from '../clients/dhclient/hooks/hook-places.ts';
import { clientName, type RunningDhclient } from '../clients/dhclient/running.ts';
import { isOfDhcp6, type LeaseReason } from '../clients/lease-reasons.ts';
import type { DesiredDns } from '../config/desired.ts';
import { HostError } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { RUN_FOLDER } from '../host/paths.ts';
import { leaseOf } from './lease.ts';
import { beginsWithStart, variablesOf } from './lease-events.ts';
import { networkAround } from './network.ts';
import { answerAs, makeNetwork } from './network-commands.ts';
import { atStart, networkSysctls, type Rehearsal, resultOf } from './result.ts';
import { play } from './script-stage.ts';
import { unplayedAdvertisements } from './unplayed-advertisements.ts';

export interface RehearseOptions {
  /** The configured content of resolv.conf; null if none is configured. */
  readonly dns: DesiredDns | null;
  /** Whether the router answers dhclient-script's ping at TIMEOUT. Default: true. */
  readonly routerAnswers?: boolean;
  /** true: play the machine's start, with no address, no route and nothing in /run. */
  readonly atBoot?: boolean;
}

/** Why these are no events of dhclient. */
const NOT_OF_DHCLIENT = {
  NAK: 'a refused lease is to dhclient-script what an expired one is: rehearse EXPIRE',
  RELOAD: 'dhclient reads its configuration at its start only: rehearse REBOOT',
  REAPPLY: 'dhclient reads its configuration at its start only: rehearse REBOOT',
} as const;

/** Throws HostError if there is nothing to rehearse, or the stage cannot be made. */
export async function playEvent(
  host: Host,
  client: RunningDhclient,
  iface: string,
  reason: LeaseReason,
  { dns, routerAnswers = true, atBoot = false }: RehearseOptions,
): Promise<Rehearsal> {
  if (isOfDhcp6(reason)) throw new HostError('ENONE', `${clientName(client)} has no lease of DHCPv6`);
  if (reason === 'NAK' || reason === 'RELOAD' || reason === 'REAPPLY')
    throw new HostError('ENONE', NOT_OF_DHCLIENT[reason]);
  const script = ownDhclientScript(host, client);
  const { lease, conf, differently, notes } = leaseOf(host, client, iface);
  if (reason === 'TIMEOUT' && lease.expire !== null && lease.expire < Date.now())
    throw new HostError('EEXPIRED', `the recorded lease of ${iface} has expired: no dhclient would use it`);
  const variables = variablesOf({
    reason,
    interface: iface,
    pid: client.pid,
    lease,
    conf,
    differently,
    now: Date.now(),
  });
  const around = networkAround(host, iface);
  const network = atBoot ? atStart(around, iface) : around;
  const made = makeNetwork(network);
  const router = variables.get('new_routers')?.split(' ')[0];
  const pinged = reason === 'TIMEOUT' && router !== undefined;
  const answering = pinged && routerAnswers ? ipAddress(router) : null;
  const seen = await play({
    interface: iface,
    script,
    variables,
    always: extraVariables(client),
    preinit: reason === 'EXPIRE' ? 'after' : beginsWithStart(reason) ? 'before' : null,
    network: made.network,
    peer: [...made.peer, ...(answering === null ? [] : answerAs([answering], iface, network))],
    sysctls: networkSysctls(host, iface),
    atBoot,
    record: recordOf(host, script, iface),
  });
  return resultOf({
    interface: iface,
    reason,
    routerAnswers: pinged ? routerAnswers : null,
    atBoot,
    dns,
    verdict: {
      silent: pinged && !routerAnswers,
      status: seen.status,
      ended: seen.ended,
      expected: {
        addresses: [variables.get('new_ip_address') ?? []].flat(),
        seconds: Number(variables.get('new_expiry') ?? 0) - Date.now() / 1000,
      },
    },
    around,
    network,
    seen,
    problems: [],
    notes: [
      // At TIMEOUT dhclient uses the lease as it was written.
      ...(reason === 'REBOOT' || reason === 'BOUND' ? notes : []),
      ...unplayedAdvertisements(host, iface),
    ],
  });
}

/**
 * Path of our exit hook's record of this interface; null if the hook is missing, or if this script does not source it.
 */
function recordOf(host: Host, script: string, iface: string): string | null {
  const places = hookPlaces(host);
  if (places === null || whyDeaf(host, script, places) !== null) return null;
  const hook = host.stat(places.exit)?.isFile() ? (host.readText(places.exit) ?? '') : '';
  return hook.includes(RUN_FOLDER) ? `${RUN_FOLDER}/lease.${iface}` : null;
}

/** The variables of `-e NAME=value`, by which ifupdown passes a metric (IF_METRIC). */
function extraVariables({ arguments: words }: RunningDhclient): string[] {
  return words.flatMap((word, at) => (words[at - 1] === '-e' && /^\w+=/.test(word) ? [word] : []));
}
