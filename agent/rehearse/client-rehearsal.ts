/**
 * Plays an event of a DHCP client on a stage (live-stage.ts): the real program with the host's own files, and a server of
 * ours that offers what is on record. The host itself is not changed.
 */
import type { DhcpClient, LeaseHolder } from '../clients/client.ts';
import { isOfDhcp6, LEASE_REASONS, type LeaseReason } from '../clients/lease-reasons.ts';
import type { StagedEvent, StagedFile, StagePlan } from '../clients/stage-plan.ts';
import type { DesiredDns } from '../config/desired.ts';
import { HostError } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { RESOLV_CONF } from '../resolver/resolv-conf.ts';
import { comparedNetworks, linesOf6, networks6Of, serverPartOf, withoutSix } from './both-families.ts';
import { LiveStage, type ScriptRun } from './live-stage.ts';
import { type Network, networkAround } from './network.ts';
import { answerAs, makeNetwork, wireOf } from './network-commands.ts';
import type { Network6 } from './network6.ts';
import { restoring } from './restored-network.ts';
import { atStart, type BeforeAfter, networkSysctls, type Rehearsal, resultOf, type SeenOnStage } from './result.ts';
import { settle, whenEnded } from './settled.ts';
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
  { plan: whole, dns, atBoot, server }: RehearseClientOptions,
): Promise<Rehearsal> {
  const { holder, interface: iface } = held;
  const { program } = holder;
  const cannot = atBoot ? undefined : whole.cannot?.[reason];
  if (cannot !== undefined) throw new HostError('ENONE', cannot);
  const awaited = (atBoot ? whole.boot : undefined) ?? whole.events[reason];
  if (awaited === undefined)
    throw new HostError('ENONE', `this is no event of ${program}${lacking(iface, reason, whole)}`);
  if (whole.offer?.server === null)
    throw new HostError('ENOLEASE', `the recorded lease of ${iface} does not name the server that gave it`);
  const far = whole.offer === null ? [] : [whole.offer.server!, ...whole.offer.routers];
  const resolvConf = whole.resolvConf ?? RESOLV_CONF;
  const around = networkAround(host, iface);
  const network = atBoot ? atStart(around, iface) : around;
  const made = makeNetwork(network);
  const six = networks6Of(host, iface, whole, atBoot);
  const isBare = whole.bareStart === true && !awaited.atStart;
  const wire = wireOf(iface, network);
  const link = network.links.find(({ name }) => name === iface)!;
  await using stage = await LiveStage.open({
    server,
    client: whole.command,
    script: whole.script,
    atBoot,
    keptInRun: whole.keptInRun ?? null,
    resolvConf,
  });
  await stage.do(
    ...makeNetwork(isBare ? linksOf(network) : network).network.map((line) => `network ${line}`),
    ...[...made.peer, ...(far.length === 0 ? [] : answerAs([...new Set(far)], iface, network))].map(
      (line) => `peer ${line}`,
    ),
    ...networkSysctls(host, iface).map(([path, value]) => `sysctl ${path} ${value}`),
    ...(six === null ? [] : linesOf6(host, six, whole, { link, wire, isBare })),
    'build',
    ...whole.missing.map((path) => `remove ${path}`),
  );
  const advertises = stage.section('advertises') !== null;
  const isWhole = advertises || (whole.advertisements ?? []).length === 0;
  const { plan, event } = isWhole ? { plan: whole, event: awaited } : withoutSix(whole, awaited);
  const made6 = isWhole ? six : null;
  await stage.startServer(serverPartOf(plan, event, { wire, advertises }));
  const run = event.atStart
    ? await startWith(stage, event)
    : await runWith(host, stage, { plan, event, network, network6: made6?.network ?? null });
  await settle(stage);
  await stage.close();
  const seen = seenOn(stage, plan, made6 !== null);
  const isSilent = reason === 'TIMEOUT' || reason === 'TIMEOUT6';
  return resultOf({
    interface: iface,
    reason,
    routerAnswers: null,
    atBoot,
    dns,
    verdict: {
      silent: isSilent,
      // A client goes on, whatever the status of its script.
      status: 0,
      resolver: plan.resolvConf === undefined ? 'file' : 'uplinks',
      expected: { addresses: expectedAddresses(plan, event), seconds: 0 },
    },
    ...comparedNetworks(plan.offer === null ? null : { around, network }, made6, network),
    seen: atBoot ? { ...seen, resolvConf: { ...seen.resolvConf, before: host.readText(resolvConf) } } : seen,
    problems: run !== null || isSilent ? [] : [`${program} did not come to ${reason} within ${event.within} s`],
    notes: [
      ...(atBoot ? (plan.bootNotes ?? []) : []),
      ...plan.notes,
      ...unplayedAdvertisements(host, iface, plan, advertises),
      ...(run === null && isSilent ? [`${program} still asks after ${event.within} s`] : []),
      ...(run === null || run.status === 0
        ? []
        : [plan.script === null ? unsettled(program) : `the hooks ended with status ${run.status}`]),
    ],
  });
}

/** Why the event cannot come on the interface, as the end of a sentence; '' if the interface has the event's family. */
function lacking(iface: string, reason: LeaseReason, { offer, offer6 }: StagePlan): string {
  if (!isOfDhcp6(reason)) return offer === null ? ` on ${iface}, which has no lease of DHCPv4` : '';
  return offer6?.address == null ? ` on ${iface}, which has no address by DHCPv6` : '';
}

/** A client without a script: its command line says by the status that the client lacks a part. */
const unsettled = (program: string) =>
  `${program} did not take all that it had of IPv6 again within 15 s on the stage, so a later resolv.conf may have more`;

/** A start brings the addresses of both families. */
function expectedAddresses({ offer, offer6 }: StagePlan, { atStart, family }: StagedEvent): string[] {
  const own = atStart ? [offer, offer6] : [family === 6 ? offer6 : offer];
  return own.flatMap((one) => one?.address ?? []);
}

/** The event is the start of the client, or follows from it. */
async function startWith(stage: LiveStage, event: StagedEvent) {
  await stage.do('look before', 'start');
  return whenEnded(stage, event, { muted: false, limit: event.within * 1000 });
}

/** The client first comes to its lease while its script does nothing, as if it had run for long. */
async function runWith(
  host: Host,
  stage: LiveStage,
  {
    plan,
    event,
    network,
    network6,
  }: {
    readonly plan: StagePlan;
    readonly event: StagedEvent;
    readonly network: Network;
    readonly network6: Network6 | null;
  },
) {
  await stage.do('mute', ...plan.filesRead.map(put), 'start');
  const began = { ends: plan.leased, also: plan.leasedAlso ?? [] };
  const leased = await whenEnded(stage, began, { muted: true, limit: LEASED_WITHIN });
  if (leased === null)
    throw new HostError('ESTAGE', `${plan.command[0]} took no lease on the stage (${stage.served.length} messages)`);
  await stage.do('look started');
  await stage.do(
    ...restoring(stage, network, network6),
    ...plan.filesRead.map(({ path }) => put(fileNow(host, path))),
    'look before',
    'unmute',
  );
  const run = await eventRun(stage, event);
  return run === null || run.status !== 0 ? run : { ...run, status: leased.status };
}

/** null if the event does not come in time. */
async function eventRun(stage: LiveStage, event: StagedEvent): Promise<ScriptRun | null> {
  const from = stage.served.length;
  for (const family of answeredFamilies(event)) await stage.answer(event.answering, family);
  if (event.answered !== undefined) return stage.nextAnswer(event.answered, from, event.within * 1000);
  const limit = event.within * 1000;
  if (event.signal === null) return whenEnded(stage, event, { muted: false, limit });
  // A client may lose a signal that comes while it is busy.
  for (let waited = 0; waited < limit; waited += SIGNAL_AGAIN) {
    await stage.do(`signal ${event.signal.slice('SIG'.length)}`);
    const run = await stage.nextRun({ reasons: event.ends, muted: false }, SIGNAL_AGAIN);
    if (run !== null) return whenEnded(stage, event, { muted: false, limit: limit - waited });
  }
  return null;
}

/** The families of which the server answers otherwise from the event on. A restart begins anew with both. */
function answeredFamilies({ answering, family, signal }: StagedEvent): (4 | 6)[] {
  if (answering === 'all') return [];
  if (family === 6) return [6];
  return signal === null ? [4] : [4, 6];
}

/** The network without addresses and routes, as before a client made any. */
const linksOf = ({ links }: Network): Network => ({ links, addresses: [], routes: [] });

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

function seenOn(stage: LiveStage, { offer, runFolder, script }: StagePlan, hasSix: boolean): SeenOnStage {
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
    families: [
      ...(offer === null
        ? []
        : [{ family: 4, addresses: both(must, 'addresses'), routes: both(must, 'routes') } as const]),
      ...(hasSix ? [{ family: 6, addresses: both(must, 'addresses6'), routes: both(must, 'routes6') } as const] : []),
    ],
    resolvConf: both((name) => stage.section(name), 'resolvConf'),
    hidden: must('hidden')
      .split('\n')
      .filter((socket) => script !== null && socket !== '' && !socket.startsWith(`${runFolder}/`))
      .sort(),
    left: 0,
    output: must('output'),
  };
}
