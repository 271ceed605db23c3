/**
 * Plays an event of a DHCP client on a stage (live-stage.ts): the real program with the host's own files, and a server of
 * ours that offers what is on record. The host itself is not changed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DhcpClient, LeaseHolder } from '../clients/client.ts';
import { LEASE_REASONS, type LeaseReason } from '../clients/lease-reasons.ts';
import type { StagedEvent, StagedFile, StagePlan } from '../clients/stage-plan.ts';
import type { DesiredDns } from '../config/desired.ts';
import { HostError } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { RESOLV_CONF } from '../resolver/resolv-conf.ts';
import { asNetworks, linesOf6, networks6Of, serverPartOf } from './both-families.ts';
import { LiveStage } from './live-stage.ts';
import { type Network, networkAround, parseAddresses, parseRoutes, type StageRoute } from './network.ts';
import { addAddress, addRoute, answerAs, makeNetwork, routeLine, wireOf } from './network-commands.ts';
import {
  atStart,
  type BeforeAfter,
  networkSysctls,
  type Rehearsal,
  resultOf,
  type SeenOnStage,
  shownAddress,
} from './result.ts';
import { unplayedAdvertisements } from './unplayed-advertisements.ts';

export interface StagedHolder {
  readonly stage: NonNullable<DhcpClient['stage']>;
  readonly holder: LeaseHolder;
  readonly interface: string;
  /** 6: it serves DHCPv6 only. */
  readonly family: 4 | 6;
}

export const planOf = (host: Host, { stage, holder, interface: iface }: StagedHolder): Promise<StagePlan> =>
  stage(host, holder, iface);

/** The events of a running client, in their order: those that the client can come to, or whose absence has a reason. */
export function eventsOf({ events, cannot }: StagePlan): LeaseReason[] {
  return LEASE_REASONS.filter((reason) => reason !== 'BOUND' && (reason in events || reason in (cannot ?? {})));
}

/** The event of the machine's start. */
export const bootEventOf = ({ events }: StagePlan): LeaseReason =>
  events.REBOOT6 === undefined ? 'REBOOT' : 'REBOOT6';

export interface RehearseClientOptions {
  readonly plan: StagePlan;
  /** The configured content of resolv.conf; null if none is configured. */
  readonly dns: DesiredDns | null;
  /** true: play the machine's start, with no address, no route and nothing in /run. */
  readonly atBoot: boolean;
  /** The command line that starts our DHCP server. */
  readonly server: readonly string[];
}

/** Throws HostError if there is nothing to rehearse, or the stage cannot be made. */
export async function playClientEvent(
  host: Host,
  held: StagedHolder,
  reason: LeaseReason,
  { plan, dns, atBoot, server }: RehearseClientOptions,
): Promise<Rehearsal> {
  const { holder, interface: iface } = held;
  const { program } = holder;
  const cannot = atBoot ? undefined : plan.cannot?.[reason];
  if (cannot !== undefined) throw new HostError('ENONE', cannot);
  const event = (atBoot ? plan.boot : undefined) ?? plan.events[reason];
  if (event === undefined) throw new HostError('ENONE', `this is no event of ${program}`);
  if (plan.offer?.server === null)
    throw new HostError('ENOLEASE', `the recorded lease of ${iface} does not name the server that gave it`);
  const far = plan.offer === null ? [] : [plan.offer.server!, ...plan.offer.routers];
  const resolvConf = plan.resolvConf ?? RESOLV_CONF;
  const around = networkAround(host, iface);
  const network = atBoot ? atStart(around, iface) : around;
  const made = makeNetwork(network);
  const six = plan.offer6 === undefined ? null : networks6Of(host, iface, atBoot);
  const isBare = plan.bareStart === true && !event.atStart;
  await using stage = await LiveStage.open({
    server,
    client: plan.command,
    script: plan.script,
    atBoot,
    keptInRun: plan.keptInRun ?? null,
    resolvConf,
  });
  await stage.do(
    ...makeNetwork(isBare ? linksOf(network) : network).network.map((line) => `network ${line}`),
    ...[...made.peer, ...(far.length === 0 ? [] : answerAs([...new Set(far)], iface, network))].map(
      (line) => `peer ${line}`,
    ),
    ...networkSysctls(host, iface).map(([path, value]) => `sysctl ${path} ${value}`),
    ...(six === null ? [] : linesOf6(host, iface, six, wireOf(iface, network))),
    'build',
    ...plan.missing.map((path) => `remove ${path}`),
  );
  await stage.startServer(serverPartOf(plan, event, wireOf(iface, network)));
  const run = event.atStart ? await startWith(stage, event) : await runWith(host, stage, plan, event, network);
  await settle(stage);
  await stage.close();
  const seen = seenOn(stage, plan, event.family ?? 4);
  const isSilent = reason === 'TIMEOUT' || reason === 'TIMEOUT6';
  return resultOf({
    interface: iface,
    reason,
    routerAnswers: null,
    atBoot,
    dns,
    family: event.family ?? 4,
    verdict: {
      silent: isSilent,
      // A client goes on, whatever the status of its script.
      status: 0,
      resolver: plan.resolvConf === undefined ? 'file' : 'uplinks',
      expected: { address: (event.family === 6 ? plan.offer6 : plan.offer)?.address ?? null, seconds: 0 },
    },
    ...(event.family === 6 && six !== null ? asNetworks(network, six) : { around, network }),
    seen: atBoot ? { ...seen, resolvConf: { ...seen.resolvConf, before: host.readText(resolvConf) } } : seen,
    problems: run !== null || isSilent ? [] : [`${program} did not come to ${reason} within ${event.within} s`],
    notes: [
      ...(atBoot ? (plan.bootNotes ?? []) : []),
      ...plan.notes,
      ...unplayedAdvertisements(host, iface, plan.advertisedServers),
      ...(run === null && isSilent ? [`${program} still asks after ${event.within} s`] : []),
      ...(run === null || run.status === 0 ? [] : [`the hooks ended with status ${run.status}`]),
    ],
  });
}

/** The event is the start of the client, or follows from it. */
async function startWith(stage: LiveStage, event: StagedEvent) {
  await stage.do('look before', 'start');
  return stage.nextRun({ reasons: event.ends, muted: false }, event.within * 1000);
}

/** The client first comes to its lease while its script does nothing, as if it had run for long. */
async function runWith(host: Host, stage: LiveStage, plan: StagePlan, event: StagedEvent, network: Network) {
  await stage.do('mute', ...plan.filesRead.map(put), 'start');
  const leased = await stage.nextRun({ reasons: plan.leased, muted: true }, LEASED_WITHIN);
  if (leased === null)
    throw new HostError('ESTAGE', `${plan.command[0]} took no lease on the stage (${stage.served.length} messages)`);
  await stage.do('look started');
  await stage.do(
    ...restoring(network, stage).map((line) => `change ${line}`),
    ...plan.filesRead.map(({ path }) => put(fileNow(host, path))),
    'look before',
    'unmute',
  );
  const from = stage.served.length;
  if (event.answering !== 'all') await stage.answer(event.answering, event.family ?? 4);
  if (event.answered !== undefined) return stage.nextAnswer(event.answered, from, event.within * 1000);
  const awaited = { reasons: event.ends, muted: false };
  if (event.signal === null) return stage.nextRun(awaited, event.within * 1000);
  // A client may lose a signal that comes while it is busy.
  for (let waited = 0; waited < event.within * 1000; waited += SIGNAL_AGAIN) {
    await stage.do(`signal ${event.signal.slice('SIG'.length)}`);
    const run = await stage.nextRun(awaited, SIGNAL_AGAIN);
    if (run !== null) return run;
  }
  return null;
}

/** The network without addresses and routes, as before a client made any. */
const linksOf = ({ links }: Network): Network => ({ links, addresses: [], routes: [] });

/** The lines of `ip -batch` that make the started client's network the host's: another program may have changed it since. */
function restoring({ addresses, routes }: Network, stage: LiveStage): string[] {
  const nowAddresses = parseAddresses(stage.section('addresses.started') ?? '').filter((one) => one.interface !== 'lo');
  const nowRoutes = parseRoutes(stage.section('routes.started') ?? '').filter(isMade);
  const [had, has] = [new Set(addresses.map(shownAddress)), new Set(nowAddresses.map(shownAddress))];
  const [wanted, made] = [new Set(routes.map(routeLine)), new Set(nowRoutes.map(routeLine))];
  return [
    ...nowRoutes
      .filter((one) => !wanted.has(routeLine(one)))
      .map((one) => addRoute(one).replace('route add', 'route del')),
    ...nowAddresses
      .filter((one) => !had.has(shownAddress(one)))
      .map((one) => `addr del ${one.address} dev ${one.interface}`),
    ...addresses.filter((one) => !has.has(shownAddress(one))).map(addAddress),
    ...routes.filter((one) => isMade(one) && !made.has(routeLine(one))).map(addRoute),
  ];
}

/** Whether a program made the route. The kernel makes others by itself with an address. */
const isMade = ({ protocol }: StageRoute) => protocol !== 'kernel';

/** Milliseconds. A client may probe the address for others that have it. */
const LEASED_WITHIN = 40_000;
/** Milliseconds: a signal that is not lost is acted on sooner. */
const SIGNAL_AGAIN = 5000;

const put = ({ path, text, changed }: StagedFile) =>
  text === null
    ? `remove ${path}`
    : `put ${path} ${Math.floor(changed / 1000)} ${Buffer.from(text, 'latin1').toString('base64')}`;

function fileNow(host: Host, path: string): StagedFile {
  return { path, text: host.readText(path), changed: host.stat(path)?.mtimeMs ?? 0 };
}

/** Milliseconds between two looks. */
const LOOK_AGAIN = 200;
const LOOKS = 25;

/** A client changes addresses and routes before or after its script: the last of two equal looks counts. */
async function settle(stage: LiveStage): Promise<void> {
  let last = '';
  for (let n = 0; n < LOOKS; n += 1) {
    await stage.do('look after');
    const now = ['addresses', 'routes', 'addresses6', 'routes6', 'resolvConf']
      .map((name) => stage.section(`${name}.after`))
      .join('\n');
    if (now.replace(LIFETIMES, '') === last) return;
    last = now.replace(LIFETIMES, '');
    await sleep(LOOK_AGAIN);
  }
}

const LIFETIMES = /"((valid|preferred)_life_time|expires)":\d+/g;

function seenOn(stage: LiveStage, { runFolder, script }: StagePlan, family: 4 | 6): SeenOnStage {
  const must = (name: string) => {
    const found = stage.section(name);
    if (found === null) throw new HostError('ESTAGE', `the rehearsal ended early, without a result for ${name}`);
    return found;
  };
  const both = <T>(of: (name: string) => T, name: string): BeforeAfter<T> => ({
    before: of(`${name}.before`),
    after: of(`${name}.after`),
  });
  return {
    addresses: both(must, family === 6 ? 'addresses6' : 'addresses'),
    routes: both(must, family === 6 ? 'routes6' : 'routes'),
    resolvConf: both((name) => stage.section(name), 'resolvConf'),
    hidden: must('hidden')
      .split('\n')
      .filter((socket) => script !== null && socket !== '' && !socket.startsWith(`${runFolder}/`))
      .sort(),
    left: 0,
    output: must('output'),
  };
}
